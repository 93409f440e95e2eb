// SPDX-License-Identifier: Apache-2.0

package conntracktest

import (
	"encoding/binary"
	"iter"
	"math/rand/v2"
	"net/netip"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// OneRange is a table that one range fills: of n entries 61 % are established
// connections of 203.0.113.0/26, idle for about three hours. The others have random
// addresses, one in four of IPv6; half of them are half open. It is the same every time.
func OneRange(n int) iter.Seq[Entry] {
	return entries(n, func(i int, r *rand.Rand) Entry {
		if i%100 < 61 {
			src := netip.AddrFrom4([4]byte{203, 0, 113, byte(i % 64)})
			e := established(src, uint16(i/64))
			e.Dst = netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(i / 64 >> 16)}), 443)
			e.Timeout = 432000 - 3*3600 + uint32(r.IntN(1200))
			return e
		}
		src := random4(r)
		if i%4 == 0 {
			src = random6(r)
		}
		e := established(src, uint16(r.Uint32()))
		e.Timeout = 432000 - uint32(r.IntN(600))
		if i%2 == 0 {
			e.State, e.Status, e.Timeout = nl.TCP_CONNTRACK_SYN_SENT, 0, 3600 // to outlast any measurement
		}
		return e
	})
}

// AllDistinct is the table that takes the most memory: every entry has another address.
func AllDistinct(n int) iter.Seq[Entry] {
	return entries(n, func(_ int, r *rand.Rand) Entry {
		e := established(random6(r), uint16(r.Uint32()))
		e.Timeout = 1000 + uint32(r.IntN(430000))
		return e
	})
}

func entries(n int, entry func(int, *rand.Rand) Entry) iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		r := rand.New(rand.NewPCG(1, 2))
		for i := range n {
			if !yield(entry(i, r)) {
				return
			}
		}
	}
}

// established is an established connection to a web server.
func established(src netip.Addr, port uint16) Entry {
	dst := netip.MustParseAddrPort("192.0.2.1:443")
	if src.Is6() {
		dst = netip.MustParseAddrPort("[2001:db8:ffff::1]:443")
	}
	return Entry{
		Src: netip.AddrPortFrom(src, port), Dst: dst,
		Proto: unix.IPPROTO_TCP, State: nl.TCP_CONNTRACK_ESTABLISHED, Status: SeenReply | Assured,
	}
}

// random4 is an address from 1.0.0.0 to 126.255.255.255.
func random4(r *rand.Rand) netip.Addr {
	var a [4]byte
	binary.BigEndian.PutUint32(a[:], r.Uint32())
	a[0] = a[0]%126 + 1
	return netip.AddrFrom4(a)
}

func random6(r *rand.Rand) netip.Addr {
	var a [16]byte
	binary.BigEndian.PutUint64(a[:], r.Uint64())
	binary.BigEndian.PutUint64(a[8:], r.Uint64())
	a[0], a[1] = 0x2a, a[1]&0x0f
	return netip.AddrFrom16(a)
}
