// SPDX-License-Identifier: Apache-2.0

// Package cause is the catalogue: every cause that synwatch can name, how it is
// recognized from what the hooks saw, which kernel counters count it, what it means
// and what to do about it. Everything that speaks of a cause takes it from here.
package cause

// Kind says what a record of a cause is.
type Kind uint8

const (
	// Drop kept a client from its connection.
	Drop Kind = iota
	// Notice is worth knowing and dropped nothing.
	Notice
	// Benign is a packet freed in the ordinary course; it gives no record.
	Benign
)

// Evidence is a set of values that show why a record has its cause.
type Evidence uint16

const (
	// Owner is who listens on the port.
	Owner Evidence = 1 << iota
	// AcceptQueue is the listener's queue of connections and its limit.
	AcceptQueue
	// SynQueue is the listener's queue of requests, which has the same limit.
	SynQueue
	// SynBacklog is the queue of requests against tcp_max_syn_backlog.
	SynBacklog
	// Table is how full the connection tracking table is.
	Table
	// Timestamps are the packet's and the newest before it.
	Timestamps
	// ReceiveBuffer is a connection's receive buffer and its limit.
	ReceiveBuffer
	// SocketBacklog is what waits for the owner of a connection's lock.
	SocketBacklog
	// Window is a connection's receive window.
	Window
	// Chain is the netfilter chain that the packet died in.
	Chain
	// Interface is the one that the packet came in on.
	Interface
	// MTU is that of the way on, and the packet's size.
	MTU
	// KernelReason is the kernel's own reason and the place of the free.
	KernelReason

	// NoEvidence: the addresses say it all.
	NoEvidence Evidence = 0
)

// Has says whether all of want are in e.
func (e Evidence) Has(want Evidence) bool { return e&want == want }

// Cause is one row of the catalogue.
type Cause struct {
	// ID is stable, kebab-case, never renamed and never reused.
	ID   string
	Kind Kind
	// Meaning says in a sentence what happened.
	Meaning string
	// Fix says what to look at or to change. Empty where nothing is wrong.
	Fix string
	// Client says what the client sees of it.
	Client string
	// Path names the kernel's functions and files, by stage where they differ.
	Path string
	// Kernels says which kernels show it and how. Empty: derived from the rules.
	Kernels string
	// Evidence is what a record of the cause shows beside the addresses.
	Evidence Evidence
	// General is the cause that names such drops, less exactly but not wrongly,
	// where a kernel does not show the difference. Nil: they are named other.
	General *Cause
}

// String returns the ID.
func (c *Cause) String() string { return c.ID }

// All returns the causes that can appear in a record, in the catalogue's order.
func All() []*Cause {
	var all []*Cause
	for _, c := range catalogue {
		if c.Kind != Benign {
			all = append(all, c)
		}
	}
	return all
}

// Lookup finds a cause by its ID.
func Lookup(id string) (*Cause, bool) {
	for _, c := range All() {
		if c.ID == id {
			return c, true
		}
	}
	return nil, false
}
