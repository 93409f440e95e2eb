// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"unsafe"

	"github.com/synwatch/synwatch/pkg/netns"
	"golang.org/x/sys/unix"
)

const featIPTables = "ip_tables"

// include/uapi/linux/netfilter_ipv4/ip_tables.h and netfilter_ipv6/ip6_tables.h,
// for 64-bit machines.
const (
	iptSetReplace = 64
	iptGetInfo    = 64

	iptHooks    = 1<<1 | 1<<2 | 1<<3 // LOCAL_IN, FORWARD, LOCAL_OUT
	targetSize  = 40                 // struct xt_standard_target
	errorSize   = 64                 // struct xt_error_target
	verdictDROP = -1                 // -NF_DROP - 1
	verdictPASS = -2                 // -NF_ACCEPT - 1
)

// ipTables is one of the two; they share all but a rule's addresses.
type ipTables struct {
	domain, level int
	entrySize     int // struct ipt_entry, ip6t_entry
	offsets       int // of its target_offset and next_offset
	// match writes what a rule matches: TCP from a prefix.
	match func(entry []byte, from netip.Prefix)
}

var (
	ipTables4 = &ipTables{unix.AF_INET, unix.SOL_IP, 112, 88, func(entry []byte, from netip.Prefix) {
		copy(entry[0:], from.Masked().Addr().AsSlice())             // ip.src
		copy(entry[8:], net.CIDRMask(from.Bits(), 32))              // ip.smsk
		binary.NativeEndian.PutUint16(entry[80:], unix.IPPROTO_TCP) // ip.proto
	}}
	ipTables6 = &ipTables{unix.AF_INET6, unix.SOL_IPV6, 168, 140, func(entry []byte, from netip.Prefix) {
		copy(entry[0:], from.Masked().Addr().AsSlice())              // ipv6.src
		copy(entry[32:], net.CIDRMask(from.Bits(), 128))             // ipv6.smsk
		binary.NativeEndian.PutUint16(entry[128:], unix.IPPROTO_TCP) // ipv6.proto
		entry[131] = 1                                               // ipv6.flags: IP6T_F_PROTO
	}}
)

// iptablesDrop has a rule of the legacy iptables drop what the clients send.
func iptablesDrop(b *bench) Expect {
	ln, clients := b.listen(8), b.clients()
	t, bits := ipTables4, 24
	if b.f == V6 {
		t, bits = ipTables6, 112
	}
	if b.err == nil {
		b.undo = append(b.undo, func() error { return b.ServerDo(func() error { return t.setFilter(netip.Prefix{}) }) })
		from, err := clients[0].Addr().Prefix(bits)
		b.fail(err)
		b.fail(b.ServerDo(func() error { return t.setFilter(from) }))
	}
	b.syns(clients, ln.addr)
	return b.expect("netfilter-drop", "", ln.addr, clients, nil)
}

// setFilter makes the current namespace's filter table drop TCP from a prefix,
// if that is valid, and accept everything else.
func (t *ipTables) setFilter(from netip.Prefix) error {
	fd, err := unix.Socket(t.domain, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_RAW)
	if err != nil {
		return fmt.Errorf("open raw socket: %w", err)
	}
	defer unix.Close(fd)
	entries, err := t.filterEntries(fd)
	if err != nil {
		return fmt.Errorf("read iptables: %w", err)
	}
	// The kernel writes the old table's counters to where the request says:
	// memory that the garbage collector does not know of.
	counters, err := unix.Mmap(-1, 0, int(entries)*16, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return fmt.Errorf("map memory: %w", err)
	}
	request := t.filterTable(from, entries, uint64(uintptr(unsafe.Pointer(&counters[0]))))
	err = unix.SetsockoptString(fd, t.level, iptSetReplace, string(request))
	return joinErr("set iptables", err, unix.Munmap(counters))
}

// filterEntries asks how many entries the table has now: struct ipt_getinfo.
func (t *ipTables) filterEntries(fd int) (uint32, error) {
	info := make([]byte, 84)
	copy(info, "filter")
	size := uint32(len(info))
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), uintptr(t.level), iptGetInfo,
		uintptr(unsafe.Pointer(&info[0])), uintptr(unsafe.Pointer(&size)), 0)
	if errno != 0 {
		return 0, errno
	}
	return binary.NativeEndian.Uint32(info[76:]), nil
}

// filterTable is a struct ipt_replace or ip6t_replace.
func (t *ipTables) filterTable(from netip.Prefix, oldEntries uint32, counters uint64) []byte {
	var rules bytes.Buffer
	n := uint32(4)
	if from.IsValid() {
		rules.Write(t.filterRule(from, verdictDROP))
		n++
	}
	policy := uint32(rules.Len()) // of LOCAL_IN, with those of the others after it
	for range 3 {
		rules.Write(t.filterRule(netip.Prefix{}, verdictPASS))
	}
	rules.Write(t.filterEnd())

	rule := uint32(t.entrySize + targetSize)
	out := make([]byte, 32)
	copy(out, "filter")
	for _, v := range []uint32{
		iptHooks, n, uint32(rules.Len()),
		0, 0, policy + rule, policy + 2*rule, 0, // hook_entry
		0, policy, policy + rule, policy + 2*rule, 0, // underflow
		oldEntries,
	} {
		out = binary.NativeEndian.AppendUint32(out, v)
	}
	out = binary.NativeEndian.AppendUint64(out, counters)
	return append(out, rules.Bytes()...)
}

// filterRule is an entry with a struct xt_standard_target.
func (t *ipTables) filterRule(from netip.Prefix, verdict int32) []byte {
	rule := make([]byte, t.entrySize+targetSize)
	if from.IsValid() {
		t.match(rule, from)
	}
	t.putSizes(rule)
	target := rule[t.entrySize:]
	binary.NativeEndian.PutUint16(target, targetSize) // the standard target has no name
	binary.NativeEndian.PutUint32(target[32:], uint32(verdict))
	return rule
}

// filterEnd is the entry that ends a table.
func (t *ipTables) filterEnd() []byte {
	end := make([]byte, t.entrySize+errorSize)
	t.putSizes(end)
	target := end[t.entrySize:]
	binary.NativeEndian.PutUint16(target, errorSize)
	copy(target[2:], "ERROR")
	copy(target[32:], "ERROR")
	return end
}

// putSizes sets target_offset and next_offset.
func (t *ipTables) putSizes(entry []byte) {
	binary.NativeEndian.PutUint16(entry[t.offsets:], uint16(t.entrySize))
	binary.NativeEndian.PutUint16(entry[t.offsets+2:], uint16(len(entry)))
}

// probeIPTables looks whether the namespace has legacy filter tables.
func probeIPTables(ns *os.File) error {
	return netns.Inside(ns, func() error {
		err := ipTables4.setFilter(netip.Prefix{})
		if _, no6 := os.Stat("/proc/sys/net/ipv6/conf/all"); no6 == nil {
			err = errors.Join(err, ipTables6.setFilter(netip.Prefix{}))
		}
		if errors.Is(err, unix.ENOPROTOOPT) || errors.Is(err, unix.ENOENT) {
			return fmt.Errorf("the kernel has no legacy iptables: %w", err)
		}
		return err
	})
}
