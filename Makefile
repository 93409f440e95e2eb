# SPDX-License-Identifier: Apache-2.0

# make demo   see synwatch name real drops
# make test   everything: unit tests, native privileged tests, the kernel matrix
# make help   the rest

# Those on which the tests take the longest start first.
KERNELS ?= 5.10,6.1,6.12,7.x,6.12-rt,6.18,6.12-full,6.12-arm64
KERNEL  ?= 6.12
# Virtual machines at a time; the tests wait more than they work.
PARALLEL ?= 2
# Those of which the tests under floods are run, which take minutes each.
FLOODED ?= 5.10,6.12,7.x
# Those on which "make instructions" counts.
COUNTED ?= 6.12,7.x
STRESS  ?= 60s
SOAK    ?= 30m
# The table that a cell may not fall behind. It is written anew by a run on all
# kernels in which nothing failed, or with ACCEPT=1 nothing but by having regressed.
KNOWN   := docs/kernels.md
ifeq ($(origin KERNELS),file)
TABLE   ?= $(KNOWN)
else
TABLE   ?= build/kernels.md
endif
ACCEPT  ?=
CMD     ?= synwatch demo

CLANG   := 19
SHELL := /bin/bash
.SHELLFLAGS := -eo pipefail -c
export CGO_ENABLED := 0
export PATH := $(PATH):/usr/sbin:/sbin

VM := build/vm
# What running these kernels takes.
need_vm = .ci/need kmod=depmod qemu-system-x86=qemu-system-x86_64 busybox-static=/bin/busybox dpkg=dpkg-deb \
	$(if $(findstring arm64,$1),qemu-system-arm=qemu-system-aarch64)
# %ARCH% is put in by the runner: each kernel gets the test built for it.
TEST  := build/synwatch-%ARCH%.test
TESTS := build/synwatch-amd64.test build/synwatch-arm64.test

.PHONY: help build demo bench instructions bench-conntrack man pictures outage test unit quick matrix flavours vimto kprobes floods stress soak skips stages vm generate lint fmt clean

help:
	@echo 'make build      build/synwatch'
	@echo 'make demo       see real drops being named, here or in a VM that is set up for it'
	@echo 'make test       unit tests, native privileged tests and the kernel matrix'
	@echo 'make unit       the tests that run on this machine; make quick: those that need no root and little time'
	@echo 'make matrix     every cause on every kernel of KERNELS=$(KERNELS),'
	@echo '                against $(KNOWN): what was exact has to be exact (ACCEPT=1 takes a regression)'
	@echo 'make vimto      the same with vimto on KERNELS, tags of the image in .vimto.toml or paths'
	@echo 'make record     what the tests of pkg/cause replay, from every kernel of KERNELS'
	@echo 'make flavours   every cause on further kernels, $(FURTHER), and on KERNEL=$(KERNEL) without BTF of modules'
	@echo 'make skips      which tests were skipped in these, and why'
	@echo 'make kprobes    every cause on KERNEL=$(KERNEL) by kprobes instead of fentry, and some by kprobe.multi'
	@echo 'make floods     FLOODED=$(FLOODED) under floods: every count, on all CPUs, with the tracer stopped, read slowly'
	@echo 'make stress     KERNEL=$(KERNEL) under load for $(STRESS): every count of every source'
	@echo 'make soak       this machine under floods for $(SOAK): every count, files and memory'
	@echo 'make bench-conntrack  how long "synwatch conntrack" takes, and how much memory, on KERNEL=$(KERNEL)'
	@echo "make vm         run CMD='$(CMD)' on KERNEL=$(KERNEL) (a release or the path of a vmlinuz)"
	@echo 'make man        the manual pages, in MANDIR=$(MANDIR); with SOURCE_DATE_EPOCH they do not depend on the day'
	@echo 'make pictures   those of the README, of the outage in $(OUTAGE); make outage plays and records it anew'
	@echo "make bench      what tracing costs under floods, here or with KERNEL=6.12 in a VM (BENCH='flags');"
	@echo '                with ACCEL=icount too it counts instructions'
	@echo 'make instructions  how many instructions tracing adds on COUNTED=$(COUNTED), against docs/bench.md (ACCEPT=1 writes it)'
	@echo 'make generate   the BPF objects, with clang $(CLANG)'
	@echo 'make lint       vet, staticcheck, gofmt, clang-format, actionlint, generated code'

build: build/synwatch

.PHONY: build/synwatch build/vm build/bench build/testsum build/picture build/outage $(TESTS)
build/synwatch:
	go build -trimpath -ldflags='-s -w' -o $@ ./cmd/synwatch

build/vm build/bench build/testsum build/picture build/outage:
	go build -trimpath -o $@ ./cmd/$(@F)

MANDIR ?= build/man
man: build
	rm -f $(MANDIR)/synwatch*.1
	build/synwatch man $(MANDIR)

# The pictures of the README and of docs are of a real run, an outage that is played in a
# VM and kept as a capture. Of the same capture they are the same, up to what the programs
# show.
PICTURES := docs/pictures
OUTAGE := $(PICTURES)/outage.json.zst
TERMINAL = nice build/picture terminal --until shop --output $(PICTURES)
PAGE = nice build/picture page --output $(PICTURES)
TOP = -- build/synwatch top $(OUTAGE)
# Held at the beginning, and a minute on from there.
MINUTE := space , . . . . . .
pictures: build build/picture
	@.ci/need chromium=chromium
	$(TERMINAL)/top.svg --title 'synwatch top in an outage' --keys '$(MINUTE)' $(TOP)
	$(TERMINAL)/top-source.svg --title 'the sources of one cause' --keys '$(MINUTE) enter' $(TOP)
	$(TERMINAL)/top-findings.svg --title 'what is wrong and what to change' --keys 'space end f' $(TOP)
	$(TERMINAL)/top-large.svg --size 132x40 --title 'the same on a larger terminal' --keys '$(MINUTE)' $(TOP)
	build/synwatch report $(OUTAGE) --html build/outage.html
	$(PAGE)/report.png --element 'body > header' build/outage.html
	$(PAGE)/report-finding.png --element 'details.finding:first-of-type' build/outage.html
	$(PAGE)/report-timeline.png --element 'section[aria-labelledby=timeline]' build/outage.html
	$(PAGE)/report-sources.png --element 'svg[aria-labelledby*=heat]' build/outage.html

outage: build build/vm build/outage
	@$(call need_vm,$(KERNEL))
	$(VM) run --kernel $(KERNEL) --add build/synwatch:/bin/synwatch --add build/outage:/bin/shop --shell 'hostname web1; cd /tmp; \
		synwatch trace --json --notices -o o.json.zst --duration 85s & until [ -s o.json.zst ]; do sleep 1; done; \
		shop >&2 & shop=$$!; wait %1; kill -INT $$shop; cat o.json.zst' >build/outage.json.zst
	mkdir -p $(PICTURES) && mv build/outage.json.zst $(OUTAGE)

# A SYN dropped by a full queue is seen by hooks on the function that drops it, or by
# the tracepoints that it passes. Where this machine, or this user, has neither, a VM
# shows it.
demo: build
	@if build/synwatch hooks 2>/dev/null | grep -q '^tcp_v4_conn_request .*attached'; then \
		build/synwatch demo; \
	else \
		echo 'no way to see dropped SYNs here, or no privilege: in a VM with kernel $(KERNEL)' && \
		$(MAKE) --no-print-directory vm CMD='synwatch demo'; \
	fi

vm: build build/vm
	@$(call need_vm,$(KERNEL))
	@$(VM) run --kernel $(KERNEL) --add build/synwatch:/bin/synwatch --shell '$(CMD)'

# Natively, or in a VM if KERNEL is given: an emulated CPU gets fewer packets. With
# ACCEL=icount the VM counts instructions, for which one round is enough.
ACCEL ?= auto
COUNT := --in-turn --rounds 1 --scenario clean,segments,keep-alive,forward,accept-queue,closed-port,nft-drop --sources 16 \
	--packets 10000 --connections 3000 --warm-up 2500ms --warm-up-rate 30000
ifeq ($(origin KERNEL),file)
BENCH ?=
RUN_BENCH = build/bench $(BENCH)
else
BENCH ?= $(if $(filter icount,$(ACCEL)),$(COUNT),--scenario accept-queue,closed-port,nft-drop,clean,forward,idle --packets 200000 --connections 3000)
RUN_BENCH = $(call need_vm,$(KERNEL)) && $(VM) run --kernel $(KERNEL) --accel $(ACCEL) --add build/bench --add build/synwatch \
	--shell 'bench --synwatch synwatch $(BENCH)'
endif
bench: build build/bench build/vm
	@$(RUN_BENCH)

# The same on each kernel of COUNTED. A second run finds the same, so that what tracing adds
# can be held against the tables of docs/bench.md. The floors are counted for these alone.
instructions: build build/bench build/vm
	@$(call need_vm,$(COUNTED))
	$(VM) matrix --accel icount --boot-timeout 5m --parallel $(PARALLEL) --kernels $(COUNTED) --results build/instructions \
		--add build/synwatch -- build/bench --json --synwatch synwatch $(COUNT) \
		$(if $(ACCEPT),,--contender synwatch)
	build/bench instructions $(if $(ACCEPT),--accept) $(patsubst %,build/instructions/%.log,$(subst $(comma), ,$(COUNTED)))

STAGES := unit matrix kprobes floods stress skips
test: $(STAGES)

# For .ci/run, which says how long each took.
stages:
	@echo $(STAGES)

# Packages whose tests make namespaces and drop packets run one at a time: a number
# of a namespace that is gone is given to the next. pkg/needs checks the list.
ALONE := ./cmd/synwatch ./pkg/bench ./pkg/conntrack ./pkg/enrich ./pkg/flood ./pkg/netns ./pkg/nstat ./pkg/probe ./pkg/provoke ./pkg/sockets ./pkg/survey ./pkg/watch
MODULE := github.com/synwatch/synwatch
TOGETHER = $(filter-out $(ALONE:.%=$(MODULE)%),$(shell go list ./...))

# The tests' output is kept in build/skips, for "make skips". Without depmod, or without
# a browser, tests are skipped.
unit: build/testsum
	-@.ci/need kmod=depmod
	-@.ci/need chromium=chromium
	@mkdir -p build/skips
	go test -json $(TOGETHER) | build/testsum build/skips/unit.log
	go test -json -p 1 -parallel 4 $(ALONE) | build/testsum build/skips/unit-alone.log

quick:
	go test -short ./...

skips: build/testsum
	@build/testsum -skips $(wildcard build/skips/*.log build/matrix/*.log build/vimto/*.log build/floods/*.log)

KERNEL_TESTS := -test.run '^Test(Kernel|DemoForReal)'
# The modules that hooks wait for are loaded while the first trace runs.
LATE := nf_conntrack,nf_tables,nf_reject_ipv4,nf_reject_ipv6

$(TESTS): build/synwatch-%.test:
	GOARCH=$* go test -c -o $@ ./cmd/synwatch

# The command itself on each kernel, as "make unit" runs it natively; the table at
# the end says where each cause was exact.
matrix: build/vm $(TESTS)
	@$(call need_vm,$(KERNELS))
	$(VM) matrix --parallel $(PARALLEL) --kernels $(KERNELS) --late $(LATE) --results build/matrix \
		--table $(TABLE) --against $(KNOWN) $(if $(ACCEPT),--accept) -- $(TEST) $(KERNEL_TESTS)

# The same with vimto, on kernels of its users': tags of the image that .vimto.toml
# names, or paths. It has no table to compare with: the images change.
VIMTO_TAGS := 5.10,5.15,6.1,6.6,6.12,longterm,stable,mainline
VIMTO_KERNELS = $(if $(filter file,$(origin KERNELS)),$(VIMTO_TAGS),$(subst $(space),$(comma),$(strip $(KERNELS))))
VIMTO_TEST := build/synwatch-$(shell go env GOARCH).test
vimto: build/vm $(VIMTO_TEST)
	$(VM) vimto --parallel $(PARALLEL) --kernels '$(VIMTO_KERNELS)' --results build/vimto --table build/vimto.md \
		-- $(VIMTO_TEST) $(KERNEL_TESTS)

# What the tests of pkg/cause replay: each provocation's events on KERNELS. What is
# recorded of other kernels stays.
.PHONY: record record-here
record: build/vm $(TESTS)
	@$(call need_vm,$(KERNELS))
	$(VM) matrix --parallel $(PARALLEL) --kernels $(KERNELS) --late $(LATE) --env SYNWATCH_RECORD=1 --results build/record \
		-- $(TEST) -test.run '^TestKernelCauses$$' | grep -v '^recorded:'
	go run ./pkg/cause/causetest/record pkg/cause/testdata $(foreach kernel,$(subst $(comma), ,$(KERNELS)),build/record/$(kernel).log)
comma := ,
space := $(subst ,, )

# The same on this machine, which is to have no hooks but the tracepoint.
HERE ?= 6.18-tracepoint
record-here: build/synwatch-amd64.test
	mkdir -p build/record
	SYNWATCH_RECORD=1 $< -test.run '^TestKernelCauses$$' >build/record/$(HERE).log
	go run ./pkg/cause/causetest/record pkg/cause/testdata build/record/$(HERE).log

# The same on a kernel that carries no BTF, where no fentry can be: by kprobes
# and with BTF from a file. What is left to do then is a choice of them by kprobe.multi; on
# some kernels of the matrix TestKernelLeastPrivilege has it for functions of modules.
BY_MULTI := ^(accept-queue-full/(syn|ack|cookie-ack)|syn-(backlog-reserved|cookie-invalid)|conntrack-(evicted|clash|invalid)|netfilter-reject|paws-time-wait)$$
kprobes: build/vm $(TESTS)
	@mkdir -p build/skips
	@$(call need_vm,$(KERNEL))
	$(VM) run --kernel $(KERNEL) --add $(TEST):/bin/synwatch.test --shell \
		'cp /sys/kernel/btf/vmlinux /btf && mount -t tmpfs none /sys/kernel/btf && \
		SYNWATCH_TEST_BTF=/btf SYNWATCH_TEST_WITHOUT=kprobe.multi \
		synwatch.test -test.run "^TestKernel" -test.skip "^TestKernel(StoryNode|BusyRouter|LeastPrivilege)$$" && \
		umount /sys/kernel/btf && SYNWATCH_TEST_WITHOUT=fentry,kprobe SYNWATCH_PROVOKE="$(BY_MULTI)" \
		synwatch.test -test.run "^TestKernelCauses$$/^v4$$"' | tee build/skips/kprobes.log | grep -v '^matrix:'

# Every cause on the kernels that are not part of the matrix, and on KERNEL with modules
# from which the BTF was taken: docs/flavours.md.
FURTHER ?= 6.1-rt,6.1-arm64
FLAVOURS := build/flavours
UNTYPED := $(FLAVOURS)/$(KERNEL)-untyped
CACHED = $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/synwatch/kernels/$(KERNEL)
.PHONY: further untyped
flavours: further untyped

further: build/vm $(TESTS)
	@$(call need_vm,$(FURTHER))
	$(VM) matrix --parallel $(PARALLEL) --kernels $(FURTHER) --late $(LATE) --results $(FLAVOURS) \
		--table $(FLAVOURS)/further.md -- $(TEST) -test.run '^TestKernelCauses$$'

untyped: build/vm $(TESTS)
	@$(call need_vm,$(KERNEL))
	$(VM) fetch $(KERNEL)
	rm -rf $(UNTYPED) && mkdir -p $(FLAVOURS) && cp -r $(CACHED) $(UNTYPED)
	find $(UNTYPED)/lib -name '*.ko' -exec objcopy --remove-section .BTF --remove-section .BTF.base {} \;
	$(VM) run --kernel $(UNTYPED)/boot/vmlinuz --late $(LATE) -- $(subst %ARCH%,amd64,$(TEST)) \
		-test.run '^TestKernelCauses$$' | tee $(FLAVOURS)/untyped.log | grep -v '^matrix:'

floods: build/vm $(TESTS)
	@$(call need_vm,$(FLOODED))
	$(VM) matrix --parallel $(PARALLEL) --kernels $(FLOODED) --late $(LATE) --results build/floods \
		-- $(TEST) -test.run '^TestFlood'

# The matrix has it for some seconds on each kernel, and here it is long.
stress: build/vm $(TESTS)
	@mkdir -p build/skips
	@$(call need_vm,$(KERNEL))
	$(VM) run --kernel $(KERNEL) --env SYNWATCH_STRESS=$(STRESS) -- $(TEST) -test.v -test.run '^TestKernelStress$$' | \
		tee build/skips/stress.log

# "make unit" has it for half a minute, "make floods" for some seconds.
soak:
	SYNWATCH_SOAK=$(SOAK) go test -count=1 -timeout 0 -v -run '^TestFloodSoak$$' ./cmd/synwatch

# In a VM, as it takes a larger nf_conntrack_max. On the machine itself, as root,
# with as many entries as its own allows: build/conntrack-measure
ENTRIES ?= 524288
bench-conntrack: build build/vm build/conntrack-measure
	@$(call need_vm,$(KERNEL))
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
	go tool actionlint
	clang-format-$(CLANG) --dry-run --Werror $$(git ls-files 'bpf/*.[ch]')
	$(MAKE) --no-print-directory generate
	git diff --exit-code -- pkg/probe pkg/flood pkg/bench

fmt:
	gofmt -w $$(git ls-files '*.go')
	clang-format-$(CLANG) -i $$(git ls-files 'bpf/*.[ch]')

clean:
	rm -rf build
