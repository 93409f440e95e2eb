// SPDX-License-Identifier: Apache-2.0

package probe

import "github.com/cilium/ebpf"

// ignored are the kinds of freed packets that are no drops. A busy server frees packets
// of every client in normal operation, and their sources would fill the table. A kind
// is the same in all namespaces, so there are no more kinds than combinations of facts
// and calls of kfree_skb.
type ignored struct {
	kinds    *ebpf.Map
	ignoring *ebpf.Variable
	// hashes are what the programs remember of kinds that they found, and wait returns
	// when every program that runs has ended.
	hashes *ebpf.Variable
	wait   func() error
	known  map[bpfKind]bool
}

func newIgnored(l *loader, wait func() error) *ignored {
	return &ignored{
		kinds: l.maps["ignored"], ignoring: l.variables["ignoring"], hashes: l.variables["ignored_hashes"],
		wait: wait, known: map[bpfKind]bool{},
	}
}

// add makes the programs stop counting a key's kind. If that fails, they go on counting
// it.
func (ig *ignored) add(key *bpfKey) {
	kind := kindOf(key)
	if ig.known[kind] || ig.kinds.Put(&kind, uint8(1)) != nil {
		return
	}
	ig.known[kind] = ig.ignoring.Set(true) == nil
}

// clear makes the programs count all kinds again.
func (ig *ignored) clear() {
	for kind := range ig.known {
		if ig.kinds.Delete(&kind) == nil {
			delete(ig.known, kind)
		}
	}
	// A program that has found a kind may be about to remember it.
	_ = ig.wait()
	_ = ig.hashes.Set(make([]byte, ig.hashes.Size()))
}

// kindOf returns a key's kind, like kind_of of bpf/tally.h.
func kindOf(key *bpfKey) bpfKind {
	return bpfKind{Facts: key.Facts, Location: key.Location, Reason: key.Reason, Hook: uint32(key.Hook)}
}
