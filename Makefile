# SPDX-License-Identifier: Apache-2.0

# make demo   see synwatch name real drops
# make test   everything: unit tests, native privileged tests, the kernel matrix
# make help   the rest

KERNELS ?= 5.10,6.1,6.12,6.18,7.x
KERNEL  ?= 6.12
# Virtual machines at a time; the tests wait more than they work.
PARALLEL ?= 2
CMD     ?= synwatch demo

CLANG   := 19
SHELL := /bin/bash
.SHELLFLAGS := -eo pipefail -c
export CGO_ENABLED := 0
export PATH := $(PATH):/usr/sbin:/sbin

VM := build/vm
NEED_VM := .ci/need qemu-system-x86=qemu-system-x86_64 busybox-static=/bin/busybox dpkg=dpkg-deb

.PHONY: help build demo test unit matrix kprobes bench-conntrack vm generate lint fmt clean

help:
	@echo 'make build      build/synwatch'
	@echo 'make demo       see real drops being named, here or in a VM that is set up for it'
	@echo 'make test       unit tests, native privileged tests and the kernel matrix'
	@echo 'make unit       the tests that run on this machine'
	@echo 'make matrix     every cause on every kernel of KERNELS=$(KERNELS)'
	@echo 'make kprobes    every cause on KERNEL=$(KERNEL) without fentry'
	@echo 'make bench-conntrack  how long "synwatch conntrack" takes, and how much memory, on KERNEL=$(KERNEL)'
	@echo "make vm         run CMD='$(CMD)' on KERNEL=$(KERNEL) (a release or the path of a vmlinuz)"
	@echo 'make generate   the BPF objects, with clang $(CLANG)'
	@echo 'make lint       vet, staticcheck, gofmt, clang-format, generated code'

build: build/synwatch

.PHONY: build/synwatch build/synwatch.test build/vm
build/synwatch:
	go build -trimpath -ldflags='-s -w' -o $@ ./cmd/synwatch

build/vm:
	go build -trimpath -o $@ ./cmd/vm

# A SYN dropped by a full queue can be seen with fentry or kprobes only: where
# this machine, or this user, has neither, a VM shows it.
demo: build
	@if build/synwatch hooks 2>/dev/null | grep -q '^tcp_conn_request .*attached'; then \
		build/synwatch demo; \
	else \
		echo 'no fentry, kprobes or privilege here: in a VM with kernel $(KERNEL)' && \
		$(MAKE) --no-print-directory vm CMD='synwatch demo'; \
	fi

vm: build build/vm
	@$(NEED_VM)
	@$(VM) run --kernel $(KERNEL) --add build/synwatch:/bin/synwatch --shell '$(CMD)'

test: unit matrix kprobes

# One package at a time: several make namespaces and drop packets, and a number
# of a namespace that is gone is given to the next.
unit:
	go test -p 1 ./...

KERNEL_TESTS := -test.run '^Test(Kernel|DemoForReal)'
# The modules that hooks wait for are loaded while the first trace runs.
LATE := nf_conntrack,nf_tables,nf_reject_ipv4,nf_reject_ipv6

build/synwatch.test:
	go test -c -o $@ ./cmd/synwatch

# The command itself on each kernel, as "make unit" runs it natively; the table at
# the end says where each cause was exact.
matrix: build/vm build/synwatch.test
	@$(NEED_VM)
	$(VM) matrix --parallel $(PARALLEL) --kernels $(KERNELS) --late $(LATE) --results build/matrix \
		--table docs/kernels.md -- build/synwatch.test $(KERNEL_TESTS)

# The same on a kernel that carries no BTF, where no fentry can be: by kprobes
# and with BTF from a file.
kprobes: build/vm build/synwatch.test
	@$(NEED_VM)
	$(VM) run --kernel $(KERNEL) --add build/synwatch.test --shell \
		'cp /sys/kernel/btf/vmlinux /btf && mount -t tmpfs none /sys/kernel/btf && \
		SYNWATCH_TEST_BTF=/btf synwatch.test -test.run "^TestKernel"' | grep -v '^matrix:'

# In a VM, as it takes a larger nf_conntrack_max. On the machine itself, as root,
# with as many entries as its own allows: build/conntrack-measure
ENTRIES ?= 524288
bench-conntrack: build build/vm build/conntrack-measure
	@$(NEED_VM)
	@$(VM) run --kernel $(KERNEL) --add build/synwatch --add build/conntrack-measure --shell \
		'cd /proc/sys/net/netfilter && echo $$((2 * $(ENTRIES))) >nf_conntrack_max && echo 131072 >nf_conntrack_buckets && \
		for table in "" -worst; do conntrack-measure -synwatch /bin/synwatch -entries $(ENTRIES) -rounds 3 $$table; done'

.PHONY: build/conntrack-measure
build/conntrack-measure:
	go build -trimpath -o $@ ./pkg/conntrack/conntracktest/measure

generate:
	@.ci/need clang-$(CLANG)=clang-$(CLANG) llvm-$(CLANG)=llvm-strip-$(CLANG) libbpf-dev=/usr/include/bpf/bpf_helpers.h
	go generate ./...

lint:
	@.ci/need clang-format-$(CLANG)=clang-format-$(CLANG)
	go vet ./...
	go tool staticcheck ./...
	@out=$$(gofmt -l $$(git ls-files '*.go')); test -z "$$out" || { echo "not gofmt'd: $$out"; exit 1; }
	clang-format-$(CLANG) --dry-run --Werror $$(git ls-files 'bpf/*.[ch]')
	$(MAKE) --no-print-directory generate
	git diff --exit-code -- pkg/probe

fmt:
	gofmt -w $$(git ls-files '*.go')
	clang-format-$(CLANG) -i $$(git ls-files 'bpf/*.[ch]')

clean:
	rm -rf build
