// SPDX-License-Identifier: Apache-2.0

package conntrack

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// defaults are a kernel's timeouts.
func defaults(name string) (uint32, error) {
	n, ok := map[string]uint32{
		"nf_conntrack_tcp_timeout_established": 432000, "nf_conntrack_tcp_timeout_syn_sent": 120,
		"nf_conntrack_tcp_timeout_unacknowledged": 300, "nf_conntrack_tcp_timeout_max_retrans": 300,
		"nf_conntrack_udp_timeout": 30, "nf_conntrack_udp_timeout_stream": 120,
	}[name]
	if !ok {
		return 0, errors.New("no such sysctl")
	}
	return n, nil
}

func newTestTally(o Options) *Tally {
	return NewTally(o, NewClock(time.Unix(1_800_000_000, 0), defaults))
}

// established is an entry that has been idle for some seconds.
func established(src netip.Addr, idle uint32) *Entry {
	dst := addr("192.0.2.1")
	if src.Is6() {
		dst = addr("2001:db8:ffff::1")
	}
	return &Entry{
		Src: src, Dst: dst, SrcPort: 40000, DstPort: 443, Proto: unix.IPPROTO_TCP,
		State: nl.TCP_CONNTRACK_ESTABLISHED, Status: statusSeenReply | statusAssured, Timeout: 432000 - idle, HasTimeout: true,
	}
}

func synSent(src netip.Addr) *Entry {
	e := established(src, 0)
	e.State, e.Status, e.Timeout = nl.TCP_CONNTRACK_SYN_SENT, 0, 100
	return e
}

func v4(n uint32) netip.Addr {
	return netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, n)))
}

// from returns the n-th address of a prefix, counted in steps.
func within(prefix string, n uint64) netip.Addr {
	a := netip.MustParsePrefix(prefix).Addr().As16()
	low := binary.BigEndian.Uint64(a[8:])
	binary.BigEndian.PutUint64(a[8:], low+n)
	return netip.AddrFrom16(a).Unmap()
}

// public is any IPv4 address outside of the documentation's networks.
func public(r *rand.Rand) netip.Addr {
	for {
		if a := v4(r.Uint32()); a.As4()[0] != 203 && a.As4()[0] != 198 {
			return a
		}
	}
}

// lines are "PREFIX ENTRIES OWN" of the prefixes that are named.
func lines(s Summary) string {
	var b strings.Builder
	for _, g := range s.Prefixes {
		fmt.Fprintf(&b, "%v %d %d\n", g.Prefix, g.Entries, g.Own)
	}
	return b.String()
}

func TestOneRangeFillsTheTable(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	tally := newTestTally(Options{})
	const all, some = 100_000, 61_000
	for i := range all {
		switch {
		case i < some:
			tally.Add(established(within("203.0.113.0/26", uint64(i%64)), 3600))
		case i%2 == 0:
			tally.Add(synSent(public(r)))
		default:
			tally.Add(established(public(r), 60))
		}
	}
	tally.Add(synSent(addr("203.0.113.200"))) // a stray beside it
	s := tally.Summary(10)
	if got := lines(s); got != "203.0.113.0/26 61000 61000\n" {
		t.Fatalf("got %s", got)
	}
	g := s.Prefixes[0]
	if g.Mostly.String() != "tcp ESTABLISHED" || g.MostlyEntries != some || g.Unreplied != 0 || g.Addresses != 64 ||
		g.MedianOf != some || g.Median < 3500*time.Second || g.Median > 3700*time.Second || g.Missing != 0 {
		t.Errorf("got %+v", g)
	}
	if s.Entries != all+1 || s.Unreplied != 19_501 || s.Since != Idle || s.Folded || s.NumPorts != 1 {
		t.Errorf("got %+v", s)
	}
	if len(s.Addresses) != 10 || s.Addresses[0].Prefix.String() != "203.0.113.0/32" || s.Addresses[0].Entries != 954 ||
		s.Addresses[9].Prefix.String() != "203.0.113.17/32" && s.Addresses[9].Prefix.String() != "203.0.113.9/32" {
		t.Errorf("got %+v", s.Addresses)
	}
	if k := s.States[0]; *k.Kind != (Kind{unix.IPPROTO_TCP, "ESTABLISHED"}) || k.Entries != 80_500 {
		t.Errorf("got %+v", k)
	}
}

func TestHierarchy(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	random := func(n int, a func() netip.Addr) (all []netip.Addr) {
		for range n {
			all = append(all, a())
		}
		return all
	}
	spread := func(n int, prefix string, hosts uint64) (all []netip.Addr) {
		for i := range n {
			all = append(all, within(prefix, uint64(i)%hosts))
		}
		return all
	}
	join := func(parts ...[]netip.Addr) (all []netip.Addr) {
		for _, p := range parts {
			all = append(all, p...)
		}
		return all
	}
	for name, test := range map[string]struct {
		entries []netip.Addr
		want    string
	}{
		"nothing":     {nil, ""},
		"one entry":   {spread(1, "203.0.113.9/32", 1), "203.0.113.9/32 1 1\n"},
		"everybody":   {random(20_000, func() netip.Addr { return public(r) }), ""},
		"one network": {spread(10_000, "100.64.0.0/10", 1<<22), "100.64.0.0/18 10000 10000\n"},
		"one host in its range": {
			join(spread(5500, "203.0.113.5/32", 1), spread(600, "203.0.113.0/26", 64), random(3900, func() netip.Addr { return public(r) })),
			"203.0.113.5/32 5510 5510\n203.0.113.32/27 288 288\n203.0.113.16/28 152 152\n"},
		"two ranges far apart in a network": {
			join(spread(3000, "203.0.1.0/26", 64), spread(3000, "203.0.200.0/26", 64), random(4000, func() netip.Addr { return public(r) })),
			"203.0.1.0/26 3000 3000\n203.0.200.0/26 3000 3000\n"},
		"six ranges of a network": {
			join(spread(1000, "203.0.1.0/26", 64), spread(1000, "203.0.50.0/26", 64), spread(1000, "203.0.90.0/26", 64),
				spread(1000, "203.0.130.0/26", 64), spread(1000, "203.0.180.0/26", 64), spread(1000, "203.0.240.0/26", 64),
				random(4000, func() netip.Addr { return public(r) })),
			"203.0.1.0/26 1000 1000\n203.0.50.0/26 1000 1000\n203.0.90.0/26 1000 1000\n" +
				"203.0.130.0/26 1000 1000\n203.0.180.0/26 1000 1000\n203.0.240.0/26 1000 1000\n"},
		"a range within a busy network": {
			join(spread(5000, "203.0.113.0/26", 64), spread(5000, "203.0.0.0/16", 1<<16)),
			"203.0.0.0/17 10000 5000\n203.0.113.0/26 5000 5000\n"},
		"few hosts of a range": {
			join(spread(4000, "203.0.113.0/32", 1), random(6000, func() netip.Addr { return within("203.0.113.0/24", 1+6*uint64(r.IntN(40))) })),
			"203.0.113.0/24 10000 6000\n203.0.113.0/32 4000 4000\n"},
		"one subnet of IPv6": {
			join(random(4000, func() netip.Addr {
				a := addr("2001:db8:1:2::").As16()
				binary.BigEndian.PutUint64(a[8:], r.Uint64())
				return netip.AddrFrom16(a)
			}), random(3000, func() netip.Addr { return public(r) })),
			"2001:db8:1:2::/64 4000 4000\n"},
		"few hosts of a subnet of IPv6": {
			join(spread(4000, "2001:db8:0:9::/64", 200), random(3000, func() netip.Addr { return public(r) })),
			"2001:db8:0:9::/64 4000 4000\n"},
		"many subnets of IPv6": {
			join(random(4000, func() netip.Addr {
				a := addr("2001:db8:7::1").As16()
				a[7] = byte(r.IntN(256))
				return netip.AddrFrom16(a)
			}), random(3000, func() netip.Addr { return public(r) })),
			"2001:db8:7::/56 4000 4000\n"},
		"one host of IPv6, and loopback": {
			join(spread(4000, "2001:db8::5/128", 1), spread(500, "::1/128", 1), spread(500, "127.0.0.1/32", 1)),
			"2001:db8::5/128 4000 4000\n127.0.0.1/32 500 500\n::1/128 500 500\n"},
	} {
		tally := newTestTally(Options{})
		for _, a := range test.entries {
			tally.Add(established(a, 10))
		}
		if got := lines(tally.Summary(10)); got != test.want {
			t.Errorf("%s: got\n%swant\n%s", name, got, test.want)
		}
	}
}

// A table of the size that the memory is meant for, at its worst: every entry
// has a source of its own.
func TestMemoryIsBounded(t *testing.T) {
	for name, source := range map[string]func(i int) netip.Addr{
		"IPv4": func(i int) netip.Addr { return v4(uint32(i) * 2654435761) },
		"IPv6": func(i int) netip.Addr {
			var a [16]byte
			a[0] = 0x20
			binary.BigEndian.PutUint64(a[2:], uint64(i)*0x9e3779b97f4a7c15)
			return netip.AddrFrom16(a)
		},
	} {
		for _, n := range []int{1 << 19, 3 << 18} {
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			tally := newTestTally(Options{})
			for i := range n {
				tally.Add(established(source(i), uint32(i%400000)))
			}
			runtime.GC()
			runtime.ReadMemStats(&after)
			if mb := (after.HeapAlloc - before.HeapAlloc) >> 20; mb > 40 {
				t.Errorf("%d of %s take %d MB", n, name, mb)
			}
			s := tally.Summary(10)
			if s.Entries != uint64(n) || s.Folded != (n > 1<<19) {
				t.Errorf("%d of %s: %d, folded %v", n, name, s.Entries, s.Folded)
			}
		}
	}
}
