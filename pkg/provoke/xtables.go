// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"net"
	"net/netip"

	"golang.org/x/sys/unix"
)

// include/uapi/linux/netfilter/x_tables.h, for 64-bit machines.
const (
	xtHeader    = 32 // of struct xt_entry_match and xt_entry_target
	errorSize   = 64 // struct xt_error_target
	verdictDROP = -1 // -NF_DROP - 1
	verdictPASS = -2 // -NF_ACCEPT - 1
)

// xtTable is one of the legacy tables.
type xtTable struct {
	name  string
	hooks []int // where it has a chain, in order
}

var (
	filterTable = xtTable{"filter", []int{unix.NF_INET_LOCAL_IN, unix.NF_INET_FORWARD, unix.NF_INET_LOCAL_OUT}}
	mangleTable = xtTable{"mangle", []int{
		unix.NF_INET_PRE_ROUTING, unix.NF_INET_LOCAL_IN, unix.NF_INET_FORWARD, unix.NF_INET_LOCAL_OUT, unix.NF_INET_POST_ROUTING,
	}}
	natTable = xtTable{"nat", []int{
		unix.NF_INET_PRE_ROUTING, unix.NF_INET_LOCAL_IN, unix.NF_INET_LOCAL_OUT, unix.NF_INET_POST_ROUTING,
	}}
)

// xtRule is a rule in the chain of a hook.
type xtRule struct {
	hook   int
	match  xtMatch
	target []byte
}

// xtMatch is a protocol's packets (TCP's if it is 0) from a prefix, to a prefix, to or
// from a port of TCP or UDP, and what is in a state: whichever there is.
type xtMatch struct {
	proto          byte
	from, to       netip.Prefix
	port, fromPort uint16
	state          uint32
}

func (m xtMatch) protocol() byte { return cmp.Or(m.proto, unix.IPPROTO_TCP) }

// include/uapi/linux/netfilter/xt_state.h
const (
	stateInvalid = 1
	stateAny     = ^uint32(0)
)

// ipTables is one of the two; they share all but a rule's addresses.
type ipTables struct {
	domain, level int
	entrySize     int // struct ipt_entry, ip6t_entry
	offsets       int // of its target_offset and next_offset
	// match writes what a rule matches: a protocol between prefixes.
	match func(entry []byte, m xtMatch)
}

var (
	ipTables4 = &ipTables{unix.AF_INET, unix.SOL_IP, 112, 88, func(entry []byte, m xtMatch) {
		putPrefix(entry[0:], entry[8:], m.from)                         // ip.src, ip.smsk
		putPrefix(entry[4:], entry[12:], m.to)                          // ip.dst, ip.dmsk
		binary.NativeEndian.PutUint16(entry[80:], uint16(m.protocol())) // ip.proto
	}}
	ipTables6 = &ipTables{unix.AF_INET6, unix.SOL_IPV6, 168, 140, func(entry []byte, m xtMatch) {
		putPrefix(entry[0:], entry[32:], m.from)                         // ipv6.src, ipv6.smsk
		putPrefix(entry[16:], entry[48:], m.to)                          // ipv6.dst, ipv6.dmsk
		binary.NativeEndian.PutUint16(entry[128:], uint16(m.protocol())) // ipv6.proto
		entry[131] = 1                                                   // ipv6.flags: IP6T_F_PROTO
	}}
)

func putPrefix(addr, mask []byte, p netip.Prefix) {
	if p.IsValid() {
		copy(addr, p.Masked().Addr().AsSlice())
		copy(mask, net.CIDRMask(p.Bits(), p.Addr().BitLen()))
	}
}

// replace is a struct ipt_replace or ip6t_replace.
func (t *ipTables) replace(table xtTable, rules []xtRule, oldEntries uint32, counters uint64) []byte {
	var all bytes.Buffer
	var entries, valid uint32
	var first, policy [5]uint32 // hook_entry and underflow
	for _, hook := range table.hooks {
		valid |= 1 << hook
		first[hook] = uint32(all.Len())
		for _, r := range rules {
			if r.hook == hook {
				all.Write(t.rule(r))
				entries++
			}
		}
		policy[hook] = uint32(all.Len())
		all.Write(t.entry(nil, standardTarget(verdictPASS)))
		entries++
	}
	all.Write(t.entry(nil, errorTarget()))
	entries++

	out := make([]byte, 32)
	copy(out, table.name)
	for _, v := range []uint32{valid, entries, uint32(all.Len())} {
		out = binary.NativeEndian.AppendUint32(out, v)
	}
	for _, v := range append(first[:], policy[:]...) {
		out = binary.NativeEndian.AppendUint32(out, v)
	}
	out = binary.NativeEndian.AppendUint32(out, oldEntries)
	out = binary.NativeEndian.AppendUint64(out, counters)
	return append(out, all.Bytes()...)
}

func (t *ipTables) rule(r xtRule) []byte {
	var match []byte
	if r.match.port != 0 || r.match.fromPort != 0 {
		match = r.match.ports()
	}
	if r.match.state != 0 {
		match = append(match, extension("state", 0, binary.NativeEndian.AppendUint32(nil, r.match.state))...)
	}
	entry := t.entry(match, r.target)
	t.match(entry, r.match)
	return entry
}

// entry sets target_offset and next_offset.
func (t *ipTables) entry(match, target []byte) []byte {
	entry := append(append(make([]byte, t.entrySize), match...), target...)
	binary.NativeEndian.PutUint16(entry[t.offsets:], uint16(t.entrySize+len(match)))
	binary.NativeEndian.PutUint16(entry[t.offsets+2:], uint16(len(entry)))
	return entry
}

// extension is a struct xt_entry_match or xt_entry_target with its data, padded.
func extension(name string, revision byte, data []byte) []byte {
	out := make([]byte, (xtHeader+len(data)+7)/8*8)
	binary.NativeEndian.PutUint16(out, uint16(len(out)))
	copy(out[2:31], name)
	out[31] = revision
	copy(out[xtHeader:], data)
	return out
}

// ports is a struct xt_tcp or xt_udp: from a port to a port, each of which may be any (0).
func (m xtMatch) ports() []byte {
	var data []byte
	for _, port := range []uint16{m.fromPort, m.port} {
		data = binary.NativeEndian.AppendUint16(data, port)
		data = binary.NativeEndian.AppendUint16(data, cmp.Or(port, 65535))
	}
	if m.protocol() == unix.IPPROTO_UDP {
		return extension("udp", 0, append(data, 0, 0))
	}
	return extension("tcp", 0, append(data, 0, 0, 0, 0))
}

// standardTarget is a verdict, and has no name.
func standardTarget(verdict int32) []byte {
	return extension("", 0, binary.NativeEndian.AppendUint32(nil, uint32(verdict)))
}

// errorTarget is that of the entry which ends a table.
func errorTarget() []byte {
	name := make([]byte, errorSize-xtHeader)
	copy(name, "ERROR")
	return extension("ERROR", 0, name)
}
