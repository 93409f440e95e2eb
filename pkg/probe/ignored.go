// SPDX-License-Identifier: Apache-2.0

package probe

import "github.com/cilium/ebpf"

// ignored is the kinds of what is freed that nobody takes an interest in. A busy
// server frees packets of every client in the ordinary course, which would fill
// the table with their sources. A kind is the same in all namespaces, so that there
// are no more than facts and calls of kfree_skb go together.
type ignored struct {
	kinds    *ebpf.Map
	ignoring *ebpf.Variable
	known    map[bpfKind]bool
}

func newIgnored(l *loader) *ignored {
	return &ignored{l.maps["ignored"], l.variables["ignoring"], map[bpfKind]bool{}}
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

// kindOf is what it was, as kind_of of bpf/tally.h makes it.
func kindOf(key *bpfKey) bpfKind {
	return bpfKind{Facts: key.Facts, Location: key.Location, Reason: key.Reason, Hook: uint32(key.Hook)}
}
