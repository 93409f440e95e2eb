// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"unsafe"

	"github.com/synwatch/synwatch/pkg/netns"
	"golang.org/x/sys/unix"
)

const featIPTables = "ip_tables"

// include/uapi/linux/netfilter_ipv4/ip_tables.h and netfilter_ipv6/ip6_tables.h
const (
	iptSetReplace = 64
	iptGetInfo    = 64
)

// iptablesDrop has a rule of the legacy iptables drop what the clients send.
func iptablesDrop(b *bench) Expect {
	ln, clients := b.listen(8), b.clients()
	bits := 24
	if b.f == V6 {
		bits = 112
	}
	if b.err == nil {
		from, err := clients[0].Addr().Prefix(bits)
		b.fail(err)
		b.iptables(filterTable, xtRule{
			hook: unix.NF_INET_LOCAL_IN, match: xtMatch{from: from}, target: standardTarget(verdictDROP),
		})
	}
	b.syns(clients, ln.addr)
	return b.expect("netfilter-drop", "", ln.addr, clients, nil)
}

// set makes the rules those of a table of the current namespace, which accepts what
// they do not match.
func (t *ipTables) set(table xtTable, rules ...xtRule) error {
	fd, err := unix.Socket(t.domain, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_RAW)
	if err != nil {
		return fmt.Errorf("open raw socket: %w", err)
	}
	defer unix.Close(fd)
	entries, err := t.entries(fd, table)
	if err != nil {
		return fmt.Errorf("read iptables: %w", err)
	}
	// The kernel writes the old table's counters to where the request says:
	// memory that the garbage collector does not know of.
	counters, err := unix.Mmap(-1, 0, int(entries)*16, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return fmt.Errorf("map memory: %w", err)
	}
	request := t.replace(table, rules, entries, uint64(uintptr(unsafe.Pointer(&counters[0]))))
	err = unix.SetsockoptString(fd, t.level, iptSetReplace, string(request))
	return joinErr("set iptables", err, unix.Munmap(counters))
}

// entries asks how many entries the table has now: struct ipt_getinfo.
func (t *ipTables) entries(fd int, table xtTable) (uint32, error) {
	info := make([]byte, 84)
	copy(info, table.name)
	size := uint32(len(info))
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), uintptr(t.level), iptGetInfo,
		uintptr(unsafe.Pointer(&info[0])), uintptr(unsafe.Pointer(&size)), 0)
	if errno != 0 {
		return 0, errno
	}
	return binary.NativeEndian.Uint32(info[76:]), nil
}

// probeXTables looks whether the namespace can have legacy tables with such rules.
func probeXTables(table xtTable, rules ...func(f Family) xtRule) func(*os.File) error {
	return func(ns *os.File) error {
		return netns.Inside(ns, func() error {
			err := ipTables4.probe(table, V4, rules)
			if _, no6 := os.Stat("/proc/sys/net/ipv6/conf/all"); no6 == nil {
				err = errors.Join(err, ipTables6.probe(table, V6, rules))
			}
			return err
		})
	}
}

func (t *ipTables) probe(table xtTable, f Family, rules []func(Family) xtRule) error {
	all := make([]xtRule, len(rules))
	for i, rule := range rules {
		all[i] = rule(f)
	}
	err := t.set(table, all...)
	if errors.Is(err, unix.ENOPROTOOPT) || errors.Is(err, unix.ENOENT) {
		return fmt.Errorf("the kernel has no legacy iptables, or no such target: %w", err)
	}
	return errors.Join(err, t.set(table))
}

// noAddr is a valid address of a family for rules that are but tried.
func noAddr(f Family) netip.AddrPort {
	if f == V6 {
		return netip.MustParseAddrPort("[fd09::1]:1")
	}
	return netip.MustParseAddrPort("10.9.0.1:1")
}
