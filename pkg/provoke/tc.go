// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"errors"
	"fmt"
	"os"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Features of traffic control that Missing looks for.
const (
	featShot       = "tc matchall"
	featClassifier = "tc bpf"
)

// tcDrop are drops of a classifier at a device, which for what comes in is before
// netfilter and routing, and for what goes out after them.
var tcDrop = []Provocation{
	{
		Cause: "tc-drop", Stage: "ingress", Families: []Family{V4, V6}, Needs: []string{featShot},
		Run: play(sysctls{alone: "yes"}, tcIngress(shot)),
	},
	{
		Cause: "tc-drop", Stage: "ingress", Variant: "bpf", Families: []Family{V4, V6}, Needs: []string{featClassifier},
		Run: play(sysctls{alone: "yes"}, tcIngress(bpfShot)),
	},
	{
		Cause: "tc-drop", Stage: "egress", Families: []Family{V4, V6, Mapped}, Needs: []string{featShot},
		Run: play(impatient.with(alone, "yes"), tcEgressReply(shot)),
	},
	{
		Cause: "tc-drop", Stage: "egress", Variant: "bpf", Families: []Family{V4, V6, Mapped}, Needs: []string{featClassifier},
		Run: play(impatient.with(alone, "yes"), tcEgressReply(bpfShot)),
	},
	{
		Cause: "tc-drop", Stage: "egress", Variant: "own-connect", Families: []Family{V4, V6}, Needs: []string{featShot},
		Run: play(sysctls{alone: "yes"}, tcOwnConnect(shot)),
	},
	{
		Cause: "tc-drop", Stage: "ingress", Variant: "forward", Families: []Family{V4, V6}, Needs: []string{featShot},
		Run: route(sysctls{alone: "yes"}, tcForwardIngress(shot)),
	},
	{
		Cause: "tc-drop", Stage: "egress", Variant: "forward", Families: []Family{V4, V6}, Needs: []string{featShot},
		Run: route(sysctls{alone: "yes"}, tcForwardEgress(shot)),
	},
	{
		Cause: "tc-drop", Stage: "egress", Variant: "forward/bpf", Families: []Family{V4, V6}, Needs: []string{featClassifier},
		Run: route(sysctls{alone: "yes"}, tcForwardEgress(bpfShot)),
	},
}

// tcIngress drops SYNs as they come in.
func tcIngress(kind classifier) func(*bench) Expect {
	return func(b *bench) Expect {
		ln, clients := b.listen(8), b.clients()
		b.classify(b.serverIndex, netlink.HANDLE_MIN_INGRESS, kind)
		b.syns(clients, ln.addr)
		return b.expect("tc-drop", "ingress", ln.addr, clients, nil)
	}
}

// tcEgressReply drops our SYN-ACKs, until the requests expire.
func tcEgressReply(kind classifier) func(*bench) Expect {
	return func(b *bench) Expect {
		ln, clients := b.listen(8), b.clients()
		b.classify(b.serverIndex, netlink.HANDLE_MIN_EGRESS, kind)
		b.syns(clients, ln.addr)
		b.awaitExpiry()
		return merge(b.expect("tc-drop", "egress", ln.addr, clients, nil), b.expired(ln, clients))
	}
}

// tcOwnConnect drops our own SYNs.
func tcOwnConnect(kind classifier) func(*bench) Expect {
	return func(b *bench) Expect {
		b.classify(b.serverIndex, netlink.HANDLE_MIN_EGRESS, kind)
		return b.ownConnects(Drop{Cause: "tc-drop", Stage: "egress"}, nil)
	}
}

// tcForwardIngress drops SYNs to the backend as they come in at the server.
func tcForwardIngress(kind classifier) func(*bench) Expect {
	return func(b *bench) Expect {
		ln, clients := b.backendListen(8), b.clients()
		b.classify(b.serverIndex, netlink.HANDLE_MIN_INGRESS, kind)
		b.syns(clients, ln.addr)
		return b.expectForward("tc-drop", "ingress", ln.addr, clients, nil)
	}
}

// tcForwardEgress drops SYNs to the backend as they leave the server.
func tcForwardEgress(kind classifier) func(*bench) Expect {
	return func(b *bench) Expect {
		ln, clients := b.backendListen(8), b.clients()
		b.classify(b.behind.gatewayIndex, netlink.HANDLE_MIN_EGRESS, kind)
		b.syns(clients, ln.addr)
		return b.expectForward("tc-drop", "egress", ln.addr, clients, nil)
	}
}

// classifier makes a filter that drops all packets which its attributes name.
type classifier func(netlink.FilterAttrs) (f netlink.Filter, done func() error, err error)

// shot has the generic action drop them (net/sched/act_gact.c).
func shot(attrs netlink.FilterAttrs) (netlink.Filter, func() error, error) {
	action := &netlink.GenericAction{ActionAttrs: netlink.ActionAttrs{Action: netlink.TC_ACT_SHOT}}
	return &netlink.MatchAll{FilterAttrs: attrs, Actions: []netlink.Action{action}}, func() error { return nil }, nil
}

// bpfShot has a program do it, as overlay networks enforce policies.
func bpfShot(attrs netlink.FilterAttrs) (netlink.Filter, func() error, error) {
	prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Type: ebpf.SchedCLS, License: "Apache-2.0",
		Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, int32(netlink.TC_ACT_SHOT)), asm.Return()},
	})
	if err != nil {
		return nil, nil, fmt.Errorf("load classifier: %w", err)
	}
	return &netlink.BpfFilter{FilterAttrs: attrs, Fd: prog.FD(), Name: "shot", DirectAction: true}, prog.Close, nil
}

// classify drops what comes in at or goes out of a device of the server, of IP of
// the run's family alone: the marks that the client sends are of another protocol.
func (b *bench) classify(index int, parent uint32, kind classifier) {
	if b.err != nil {
		return
	}
	undo, err := addClassifier(b.server, index, parent, b.etherType(), kind)
	if err != nil {
		b.fail(err)
		return
	}
	b.undo = append(b.undo, undo)
}

// etherType of the run's packets.
func (b *bench) etherType() uint16 {
	if b.f == V6 {
		return unix.ETH_P_IPV6
	}
	return unix.ETH_P_IP
}

func addClassifier(ns *os.File, index int, parent uint32, proto uint16, kind classifier) (undo func() error, err error) {
	h, err := netns.Netlink(ns, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, err
	}
	qdisc := &netlink.Clsact{QdiscAttrs: netlink.QdiscAttrs{
		LinkIndex: index, Handle: netlink.MakeHandle(0xffff, 0), Parent: netlink.HANDLE_CLSACT,
	}}
	if err := h.QdiscAdd(qdisc); err != nil {
		h.Close()
		return nil, joinErr("add clsact", err)
	}
	undo = func() error {
		defer h.Close()
		return joinErr("remove clsact", h.QdiscDel(qdisc))
	}
	filter, done, err := kind(netlink.FilterAttrs{LinkIndex: index, Parent: parent, Handle: 1, Protocol: proto, Priority: 1})
	if err == nil {
		err = errors.Join(joinErr("add filter", h.FilterAdd(filter)), done())
	}
	if err != nil {
		return nil, errors.Join(err, undo())
	}
	return undo, nil
}

func probeClassifier(kind classifier) func(*os.File) error {
	return func(ns *os.File) error {
		const lo = 1
		undo, err := addClassifier(ns, lo, netlink.HANDLE_MIN_INGRESS, unix.ETH_P_IP, kind)
		if err != nil {
			return err
		}
		return undo()
	}
}
