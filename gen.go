// SPDX-License-Identifier: Apache-2.0

package synwatch

//go:generate go run ./pkg/event/internal/schema
//go:generate go tool bpf2go -cc clang-19 -strip llvm-strip-19 -target amd64,arm64 -go-package probe -output-dir pkg/probe -no-global-types -type key -type kind -type kind_in_netns -type tally -type hot -type hot_key -type detail -type stat -type tally_time -type last_seen -type prefix bpf bpf/synwatch.bpf.c -- -O2 -g -Wall -Werror -Wno-unused-function
//go:generate go tool bpf2go -cc clang-19 -strip llvm-strip-19 -target amd64,arm64 -go-package probe -output-dir pkg/probe -no-global-types -type counted census bpf/census.bpf.c -- -O2 -g -Wall -Werror
//go:generate go tool bpf2go -cc clang-19 -strip llvm-strip-19 -target amd64,arm64 -go-package flood -output-dir pkg/flood -no-global-types -type sender -type replay_frame flood bpf/flood.bpf.c -- -O2 -g -Wall -Werror
//go:generate go tool bpf2go -cc clang-19 -strip llvm-strip-19 -target amd64,arm64 -go-package bench -output-dir pkg/bench -no-global-types floor bpf/floor.bpf.c -- -O2 -g -Wall -Werror -Wno-unused-function
