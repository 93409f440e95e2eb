// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"net/netip"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// engine writes a node's rules the way that container engines do: what is addressed to
// the node itself jumps to a chain of the published ports, and what the containers send
// leaves with the node's address.
type engine struct {
	conn        *nftables.Conn
	nat, filter *nftables.Table
	published   *nftables.Chain
	postrouting *nftables.Chain
	forward     *nftables.Chain
	f           Family
	bridge      string
}

// engine makes the tables, which are removed with the run. There is nothing in the
// kernel before commit.
func (b *bench) engine(bridge string) *engine {
	e := &engine{f: b.f, bridge: bridge}
	if b.err != nil {
		return e
	}
	conn, err := nftables.New(nftables.WithNetNSFd(int(b.Lab.server.Fd())))
	if err != nil {
		b.fail(joinErr("open nftables", err))
		return e
	}
	family := nftables.TableFamilyIPv4
	if b.f == V6 {
		family = nftables.TableFamilyIPv6
	}
	e.conn = conn
	e.nat = conn.AddTable(&nftables.Table{Family: family, Name: "nat"})
	e.filter = conn.AddTable(&nftables.Table{Family: family, Name: "filter"})
	e.published = conn.AddChain(&nftables.Chain{Name: "DOCKER", Table: e.nat})
	e.postrouting = e.base(e.nat, "POSTROUTING", nftables.ChainTypeNAT, nftables.ChainHookPostrouting, nftables.ChainPriorityNATSource)
	e.forward = e.base(e.filter, "FORWARD", nftables.ChainTypeFilter, nftables.ChainHookForward, nftables.ChainPriorityFilter)
	// The engines ask for any local address, for which not every kernel has a fib expression.
	e.add(e.base(e.nat, "PREROUTING", nftables.ChainTypeNAT, nftables.ChainHookPrerouting, nftables.ChainPriorityNATDest),
		append(e.address(b.serverAddr(b.f), false), &expr.Verdict{Kind: expr.VerdictJump, Chain: e.published.Name})...)
	return e
}

func (e *engine) base(t *nftables.Table, name string, kind nftables.ChainType, hook *nftables.ChainHook, at *nftables.ChainPriority) *nftables.Chain {
	return e.conn.AddChain(&nftables.Chain{Name: name, Table: t, Type: kind, Hooknum: hook, Priority: at})
}

func (e *engine) add(c *nftables.Chain, exprs ...expr.Any) {
	if e.conn != nil {
		e.conn.AddRule(&nftables.Rule{Table: c.Table, Chain: c, Exprs: exprs})
	}
}

// commit gives all rules to the kernel.
func (e *engine) commit(b *bench) {
	if b.err != nil {
		return
	}
	if err := e.conn.Flush(); err != nil {
		b.fail(joinErr("add nftables rules", err))
		return
	}
	b.undo = append(b.undo, func() error {
		e.conn.DelTable(e.nat)
		e.conn.DelTable(e.filter)
		return joinErr("remove nftables tables", e.conn.Flush())
	})
}

// publish sends what comes for a port of the node to a container.
func (e *engine) publish(port uint16, to netip.AddrPort) {
	rule := append(e.device(expr.MetaKeyIIFNAME, expr.CmpOpNeq), ToPort(port)...)
	e.add(e.published, append(rule,
		&expr.Immediate{Register: 1, Data: to.Addr().AsSlice()},
		&expr.Immediate{Register: 2, Data: binaryutil.BigEndian.PutUint16(to.Port())},
		&expr.NAT{Type: expr.NATTypeDestNAT, Family: e.number(), RegAddrMin: 1, RegProtoMin: 2})...)
}

// leaveBy gives what leaves for one address another source, with few ports.
func (e *engine) leaveBy(to, source netip.Addr, first, last uint16) {
	e.add(e.postrouting, append(e.address(to, false),
		&expr.Immediate{Register: 1, Data: source.AsSlice()},
		&expr.Immediate{Register: 2, Data: binaryutil.BigEndian.PutUint16(first)},
		&expr.Immediate{Register: 3, Data: binaryutil.BigEndian.PutUint16(last)},
		&expr.NAT{Type: expr.NATTypeSourceNAT, Family: e.number(), RegAddrMin: 1, RegProtoMin: 2, RegProtoMax: 3})...)
}

// masquerade gives what leaves from a container the node's address.
func (e *engine) masquerade(container netip.Addr) {
	rule := append(e.address(container, true), e.device(expr.MetaKeyOIFNAME, expr.CmpOpNeq)...)
	e.add(e.postrouting, append(rule, &expr.Masq{})...)
}

// refuse drops what one address sends to another.
func (e *engine) refuse(from, to netip.Addr) {
	rule := append(e.address(from, true), e.address(to, false)...)
	e.add(e.forward, append(rule, verdictDrop.nft...)...)
}

// device compares the name of the device that a packet comes in or goes out by with
// the bridge's.
func (e *engine) device(key expr.MetaKey, op expr.CmpOp) []expr.Any {
	name := make([]byte, unix.IFNAMSIZ)
	copy(name, e.bridge)
	return []expr.Any{&expr.Meta{Key: key, Register: 1}, &expr.Cmp{Op: op, Register: 1, Data: name}}
}

// address matches a packet's source or destination: struct iphdr, struct ipv6hdr.
func (e *engine) address(a netip.Addr, source bool) []expr.Any {
	offset := map[Family]uint32{V4: 12, V6: 8}[e.f]
	size := uint32(a.BitLen() / 8)
	if !source {
		offset += size
	}
	return []expr.Any{
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseNetworkHeader, Offset: offset, Len: size},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: a.AsSlice()},
	}
}

// number is the kernel's of the family.
func (e *engine) number() uint32 {
	if e.f == V6 {
		return unix.NFPROTO_IPV6
	}
	return unix.NFPROTO_IPV4
}
