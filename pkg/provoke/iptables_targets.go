// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"encoding/binary"
	"net/netip"

	"golang.org/x/sys/unix"
)

// Features of the legacy iptables that are modules of their own.
const (
	featIPTablesNAT    = "ip_tables nat"
	featIPTablesReject = "ip_tables REJECT"
)

// include/uapi/linux/netfilter/nf_nat.h
const (
	natMapIPs         = 1 << 0
	natProtoSpecified = 1 << 1
)

// dnatRule is `-t nat -A PREROUTING -p tcp -d from --dport port -j DNAT --to-destination to`.
func dnatRule(from, to netip.AddrPort) xtRule {
	return xtRule{unix.NF_INET_PRE_ROUTING, toMatch(from), extension("DNAT", 1, natRange(natMapIPs, to.Addr(), to.Port()))}
}

// masqueradeRule is `-t nat -A POSTROUTING -p tcp -d to --dport port -j MASQUERADE --to-ports source`.
func masqueradeRule(to netip.AddrPort, source uint16) xtRule {
	data := natRange(0, netip.Addr{}, source)
	if to.Addr().Is4() {
		data = natRange4(source)
	}
	return xtRule{unix.NF_INET_POST_ROUTING, toMatch(to), extension("MASQUERADE", 0, data)}
}

// include/uapi/linux/netfilter_ipv4/ipt_REJECT.h, netfilter_ipv6/ip6t_REJECT.h
const (
	iptPortUnreachable  = 3
	iptReset            = 7
	ip6tPortUnreachable = 4
	ip6tReset           = 6
)

// rejectWith is `-j REJECT --reject-with …`, of each family.
func rejectWith(with4, with6 uint32) func(Family) []byte {
	return func(f Family) []byte {
		with := with4
		if f == V6 {
			with = with6
		}
		return extension("REJECT", 0, binary.NativeEndian.AppendUint32(nil, with))
	}
}

// always is a target that is the same in both families.
func always(target []byte) func(Family) []byte { return func(Family) []byte { return target } }

// rejectRule is `-A OUTPUT -p tcp -d to --dport port -j REJECT`, with the ICMP error
// that is the default.
func rejectRule(to netip.AddrPort) xtRule {
	f := V4
	if to.Addr().Is6() {
		f = V6
	}
	return xtRule{unix.NF_INET_LOCAL_OUT, toMatch(to), rejectICMP.target(f)}
}

func toMatch(dst netip.AddrPort) xtMatch {
	return xtMatch{to: netip.PrefixFrom(dst.Addr(), dst.Addr().BitLen()), port: dst.Port()}
}

// natRange is a struct nf_nat_range of one port, and one address if there is any.
func natRange(flags uint32, addr netip.Addr, port uint16) []byte {
	out := make([]byte, 40)
	binary.NativeEndian.PutUint32(out, flags|natProtoSpecified)
	copy(out[4:20], addr.AsSlice())
	copy(out[20:36], addr.AsSlice())
	binary.BigEndian.PutUint16(out[36:], port)
	binary.BigEndian.PutUint16(out[38:], port)
	return out
}

// natRange4 is a struct nf_nat_ipv4_multi_range_compat with one range, of one port.
func natRange4(port uint16) []byte {
	out := binary.NativeEndian.AppendUint32(nil, 1)
	out = binary.NativeEndian.AppendUint32(out, natProtoSpecified)
	out = append(out, make([]byte, 8)...) // any address
	out = binary.BigEndian.AppendUint16(out, port)
	return binary.BigEndian.AppendUint16(out, port)
}

// translateIPTables has the legacy iptables send TCP for one address to another.
func (b *bench) translateIPTables(from, to netip.AddrPort) { b.iptables(natTable, dnatRule(from, to)) }

func probeDNATRule(f Family) xtRule       { return dnatRule(noAddr(f), noAddr(f)) }
func probeMasqueradeRule(f Family) xtRule { return masqueradeRule(noAddr(f), 1) }
func probeRejectRule(f Family) xtRule     { return rejectRule(noAddr(f)) }
