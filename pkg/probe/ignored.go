// SPDX-License-Identifier: Apache-2.0

package probe

import "github.com/cilium/ebpf"

// ignored is the kinds of what is freed that nobody takes an interest in. A busy
// server frees packets of every client in the ordinary course, which would fill
// the table with their sources.
type ignored struct {
	kinds    *ebpf.Map
	ignoring *ebpf.Variable
	known    map[bpfKey]bool
}

func newIgnored(l *loader) *ignored {
	return &ignored{l.maps["ignored"], l.variables["ignoring"], map[bpfKey]bool{}}
}

// add has the programs count a key's kind no more. Where that does not work, it
// is counted on.
func (ig *ignored) add(key *bpfKey) {
	kind := kindOf(key)
	if ig.known[kind] || ig.kinds.Put(&kind, uint8(1)) != nil {
		return
	}
	ig.known[kind] = ig.ignoring.Set(true) == nil
}

// clear has the programs count everything again.
func (ig *ignored) clear() {
	for kind := range ig.known {
		if ig.kinds.Delete(&kind) == nil {
			delete(ig.known, kind)
		}
	}
}

// kindOf is everything but who it was, as kind_of of bpf/tally.h makes it.
func kindOf(key *bpfKey) bpfKey {
	kind := *key
	kind.Src, kind.Dst, kind.DstPort = [16]uint8{}, [16]uint8{}, 0
	return kind
}
