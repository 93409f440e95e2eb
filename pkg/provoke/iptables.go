// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

const featIPTables = "ip_tables"

// include/uapi/linux/netfilter_ipv4/ip_tables.h, for 64-bit machines.
const (
	iptSetReplace = 64
	iptGetInfo    = 64

	iptHooks    = 1<<1 | 1<<2 | 1<<3 // LOCAL_IN, FORWARD, LOCAL_OUT
	entrySize   = 112                // struct ipt_entry
	targetSize  = 40                 // struct xt_standard_target
	errorSize   = 64                 // struct xt_error_target
	verdictDROP = -1                 // -NF_DROP - 1
	verdictPASS = -2                 // -NF_ACCEPT - 1
)

// iptablesDrop has a rule of the legacy iptables drop what the clients send.
func iptablesDrop(b *bench) Expect {
	ln, clients := b.listen(8), b.clients()
	if b.err == nil {
		b.undo = append(b.undo, func() error { return b.ServerDo(func() error { return setFilter(netip.Prefix{}) }) })
		from, err := clients[0].Addr().Prefix(24)
		b.fail(err)
		b.fail(b.ServerDo(func() error { return setFilter(from) }))
	}
	b.syns(clients, ln.addr)
	return b.expect("netfilter-drop", "", ln.addr, clients, nil)
}

// setFilter makes the current namespace's filter table drop TCP from a prefix,
// if that is valid, and accept everything else.
func setFilter(from netip.Prefix) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_RAW)
	if err != nil {
		return fmt.Errorf("open raw socket: %w", err)
	}
	defer unix.Close(fd)
	entries, err := filterEntries(fd)
	if err != nil {
		return fmt.Errorf("read iptables: %w", err)
	}
	// The kernel writes the old table's counters to where the request says:
	// memory that the garbage collector does not know of.
	counters, err := unix.Mmap(-1, 0, int(entries)*16, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return fmt.Errorf("map memory: %w", err)
	}
	request := filterTable(from, entries, uint64(uintptr(unsafe.Pointer(&counters[0]))))
	err = unix.SetsockoptString(fd, unix.SOL_IP, iptSetReplace, string(request))
	return joinErr("set iptables", err, unix.Munmap(counters))
}

// filterEntries asks how many entries the table has now: struct ipt_getinfo.
func filterEntries(fd int) (uint32, error) {
	info := make([]byte, 84)
	copy(info, "filter")
	size := uint32(len(info))
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), unix.SOL_IP, iptGetInfo,
		uintptr(unsafe.Pointer(&info[0])), uintptr(unsafe.Pointer(&size)), 0)
	if errno != 0 {
		return 0, errno
	}
	return binary.NativeEndian.Uint32(info[76:]), nil
}

// filterTable is a struct ipt_replace.
func filterTable(from netip.Prefix, oldEntries uint32, counters uint64) []byte {
	var rules bytes.Buffer
	n := uint32(4)
	if from.IsValid() {
		rules.Write(filterRule(from, verdictDROP))
		n++
	}
	policy := uint32(rules.Len()) // of LOCAL_IN, with those of the others after it
	for range 3 {
		rules.Write(filterRule(netip.Prefix{}, verdictPASS))
	}
	rules.Write(filterEnd())

	const rule = entrySize + targetSize
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

// filterRule is a struct ipt_entry with a struct xt_standard_target.
func filterRule(from netip.Prefix, verdict int32) []byte {
	rule := make([]byte, entrySize+targetSize)
	if from.IsValid() {
		copy(rule[0:], from.Masked().Addr().AsSlice())             // ip.src
		copy(rule[8:], []byte{255, 255, 255, 0})                   // ip.smsk
		binary.NativeEndian.PutUint16(rule[80:], unix.IPPROTO_TCP) // ip.proto
	}
	putEntrySizes(rule)
	binary.NativeEndian.PutUint16(rule[entrySize:], targetSize) // the standard target has no name
	binary.NativeEndian.PutUint32(rule[entrySize+32:], uint32(verdict))
	return rule
}

// filterEnd is the entry that ends a table.
func filterEnd() []byte {
	end := make([]byte, entrySize+errorSize)
	putEntrySizes(end)
	binary.NativeEndian.PutUint16(end[entrySize:], errorSize)
	copy(end[entrySize+2:], "ERROR")
	copy(end[entrySize+32:], "ERROR")
	return end
}

// putEntrySizes sets target_offset and next_offset.
func putEntrySizes(entry []byte) {
	binary.NativeEndian.PutUint16(entry[88:], entrySize)
	binary.NativeEndian.PutUint16(entry[90:], uint16(len(entry)))
}

// probeIPTables looks whether the namespace has a legacy filter table.
func probeIPTables(ns *os.File) error {
	return inNetns(ns, func() error {
		err := setFilter(netip.Prefix{})
		if errors.Is(err, unix.ENOPROTOOPT) || errors.Is(err, unix.ENOENT) {
			return fmt.Errorf("the kernel has no legacy iptables: %w", err)
		}
		return err
	})
}
