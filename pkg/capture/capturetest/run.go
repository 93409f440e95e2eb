// SPDX-License-Identifier: Apache-2.0

// Package capturetest makes runs of everything that there can be, and checks the lines that
// are written of them against the published schema.
package capturetest

import (
	"math/rand/v2"
	"net/netip"
	"sync"
	"time"

	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/synwatch/synwatch/pkg/conntrack"
	"github.com/synwatch/synwatch/pkg/enrich"
	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/synwatch/synwatch/pkg/proc"
	"github.com/synwatch/synwatch/pkg/stream"
	"github.com/synwatch/synwatch/pkg/survey"
	"golang.org/x/sys/unix"
)

// Run makes up what a run says.
type Run struct {
	random *rand.Rand
	now    time.Time
}

// New returns a run that is the same for the same seed.
func New(seed uint64) *Run {
	return &Run{rand.New(rand.NewPCG(seed, 1)), time.Date(2026, 3, 1, 12, 0, 0, 1, time.UTC)}
}

// WriteTo says the whole of a run with so many records.
func (r *Run) WriteTo(to stream.Sink, records int) error {
	if err := to.Start(r.Start()); err != nil {
		return err
	}
	for range records {
		if err := to.Record(r.Record()); err != nil {
			return err
		}
		if r.one(10) {
			if err := to.Sample(r.Sample()); err != nil {
				return err
			}
		}
	}
	if err := to.Summary(r.Summary()); err != nil {
		return err
	}
	return to.Flush()
}

// one is true once in n times.
func (r *Run) one(n int) bool { return r.random.IntN(n) == 0 }

func (r *Run) number() uint32 { return r.random.Uint32N(10000) }

func pick[T any](r *Run, from ...T) T { return from[r.random.IntN(len(from))] }

// tick is a time that is mostly later than the last.
func (r *Run) tick() time.Time {
	r.now = r.now.Add(time.Duration(r.random.Int64N(int64(400 * time.Millisecond))))
	return r.now.Add(-time.Duration(r.random.Int64N(int64(time.Second))))
}

func (r *Run) name() string {
	return pick(r, "", "web", "db", "<script>alert(1)</script>", "evil\x1b[2J", "漢字\u202e", `a"b\c`)
}

// Start is what a run begins with.
func (r *Run) Start() stream.Start {
	return stream.Start{
		Time: r.now, Version: "v1.2.3", Blind: []string{"syn-refused"},
		Machine: survey.Machine{Name: "box", Kernel: "6.12.1", Netns: 4026531840, Inner: r.one(2), Memory: uint64(r.number()) << 20},
		Hooks: []event.HookState{
			{Name: "kfree_skb", Mode: event.ModeFentry, Status: event.Attached},
			{Name: "nf_conntrack_in", Status: event.Waiting, Why: "nf_conntrack is not loaded"},
		},
	}
}

func (r *Run) addr() netip.Addr {
	if r.one(4) {
		return netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 15: byte(r.random.IntN(200))})
	}
	return netip.AddrFrom4([4]byte{10, 9, byte(r.random.IntN(4)), byte(r.random.IntN(200))})
}

func (r *Run) end(p event.Proto) netip.AddrPort {
	if p != 0 && !p.HasPorts() {
		return netip.AddrPortFrom(r.addr(), 0)
	}
	return netip.AddrPortFrom(r.addr(), uint16(1+r.number()))
}

func (r *Run) netns() netns.ID {
	return netns.ID{Inode: 4026531840 + r.random.Uint32N(3), Cookie: pick[uint64](r, 0, 1, 1<<60)}
}

// stage is any stage of any cause.
func (r *Run) stage() cause.Stage {
	s := pick(r, stages()...)
	return cause.Stage{Cause: s.Cause, Stage: s.Stage}
}

var stages = sync.OnceValue(func() []cause.Stage { return cause.NewAttributor(event.Coverage{}).Stages() })

func (r *Run) cause() *cause.Cause { return pick(r, cause.All()...) }

// Record is any record.
func (r *Run) Record() stream.Record {
	proto := pick[event.Proto](r, event.TCP, event.TCP, unix.IPPROTO_UDP, unix.IPPROTO_ICMP, 132, 250, 0)
	stage := r.stage()
	record := stream.Record{
		Cause: stage.Cause, Stage: stage.Stage, NetnsName: r.name(), Answer: r.answer(),
		Event: event.Event{
			Time: r.tick(), Hook: pick(r, event.HookFree, event.HookConnRequest), Facts: pick(r, 0, event.ResetSent),
			Reason: pick(r, "", "NO_SOCKET", "TCP_LISTEN_OVERFLOW", "93"), Location: pick(r, "", "tcp_v4_rcv", "nf_hook_slow"),
			Direction: pick(r, event.In, event.In, event.Forward, event.Out, ""), Proto: proto, Netns: r.netns(),
			Src: r.end(proto), Dst: r.end(proto), Count: 1 + r.random.Uint64N(1000), Merged: pick[uint64](r, 0, 0, 5),
		},
	}
	if r.one(10) {
		record.Src = netip.AddrPort{}
	}
	if !r.one(3) {
		record.Evidence = r.evidence(proto)
	}
	return record
}

func (r *Run) process() proc.Process {
	return proc.Process{PID: 1 + int(r.number()), Comm: r.name(), Container: pick(r, "", "0123456789abcdef"), Unit: pick(r, "", "nginx.service")}
}

func (r *Run) listener() *enrich.Listener {
	return &enrich.Listener{Port: uint16(r.number()), Process: r.process(), Shared: r.random.IntN(3)}
}

func (r *Run) answer() enrich.Answer {
	a := enrich.Answer{Interface: pick(r, "", "eth0", "evil\x1b[m"), OutInterface: pick(r, "", "eth1")}
	if r.one(3) {
		a.Listener = r.listener()
	}
	if r.one(4) {
		sender := r.process()
		a.Sender = &sender
	}
	if r.one(4) {
		a.Target = &enrich.Target{Netns: r.netns(), Name: r.name(), Container: pick(r, "", "abc")}
	}
	if r.one(4) {
		a.Conntrack = &conntrack.Usage{Count: r.number(), Max: r.number(), Buckets: r.number()}
	}
	return a
}

func (r *Run) evidence(proto event.Proto) *event.Evidence {
	e := event.Evidence{Ifindex: r.random.Uint32N(3), OutIfindex: r.random.Uint32N(3)}
	if r.one(3) {
		e.Listener = &event.Listener{AcceptQueue: r.number(), AcceptQueueMax: r.number(), SynQueue: r.number(), MaxSynBacklog: r.number(), Somaxconn: r.number()}
	}
	if r.one(4) {
		e.Timestamps = &event.Timestamps{TSval: r.number(), Newest: r.number(), Age: time.Duration(r.number()) * time.Second}
	}
	if r.one(4) {
		e.Receiver = &event.Receiver{Memory: r.number(), Limit: r.number(), Backlog: r.number(), Window: r.number()}
	}
	if r.one(4) {
		e.Netfilter = &event.Netfilter{Family: "inet", Hook: pick(r, "", "input"), Table: r.name(), Chain: r.name()}
	}
	if r.one(4) {
		e.Path = &event.Path{MTU: r.number(), Size: r.number()}
	}
	if r.one(4) {
		e.SourceNAT = r.sourceNAT(proto)
	}
	if r.one(4) {
		e.Process = &event.Process{PID: 1 + r.number(), Comm: r.name()}
	}
	if r.one(4) {
		e.OrigDst = r.end(proto)
	}
	return &e
}

func (r *Run) sourceNAT(proto event.Proto) *event.SourceNAT {
	nat := event.SourceNAT{Chosen: r.end(proto)}
	if r.one(3) {
		return &nat
	}
	nat.First = r.end(proto)
	nat.Last = nat.First
	switch r.random.IntN(3) {
	case 0:
		nat.Last = netip.AddrPortFrom(nat.First.Addr().Next(), nat.First.Port())
	case 1:
		nat.First, nat.Last = netip.AddrPortFrom(nat.First.Addr(), 0), netip.AddrPortFrom(nat.First.Addr().Next(), 0)
	}
	return &nat
}
