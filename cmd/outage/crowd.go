// SPDX-License-Identifier: Apache-2.0

package main

import (
	"math/rand/v2"
	"net/netip"
	"time"
)

// length is how long the outage lasts.
const length = 70 * time.Second

// crowd is clients that ask for the same port, and are refused there.
type crowd struct {
	port        uint16
	sources     netip.Prefix
	clients     int
	attempts    int // how many ports a client comes from, which it tries again and again
	from, until time.Duration
	// The SYNs a second at the beginning and at the end, with a straight line between.
	first, last float64
}

// crowds are all of them: a shop that has stopped accepting, a port that a firewall
// shuts, one without a listener, and those that come when connection tracking is full.
var crowds = []crowd{
	{portShop, netip.MustParsePrefix("198.51.100.0/24"), 60, 3, 8 * time.Second, 44 * time.Second, 30, 700},
	{portShop, netip.MustParsePrefix("198.51.100.0/24"), 60, 3, 44 * time.Second, length, 700, 380},
	{portShop, netip.MustParsePrefix("192.0.2.0/28"), 6, 3, 14 * time.Second, length, 10, 60},
	{portShut, netip.MustParsePrefix("203.0.113.64/26"), 35, 2, 20 * time.Second, 40 * time.Second, 40, 260},
	{portShut, netip.MustParsePrefix("203.0.113.64/26"), 35, 2, 40 * time.Second, 55 * time.Second, 260, 20},
	{portNone, netip.MustParsePrefix("192.0.2.200/32"), 1, 4000, 0, length, 6, 6},
	{portShop, netip.MustParsePrefix("198.51.100.0/24"), 60, 4000, 50 * time.Second, length, 40, 220},
}

// rate is how many SYNs a second come at a time.
func (c crowd) rate(at time.Duration) float64 {
	if at < c.from || at >= c.until {
		return 0
	}
	return c.first + (c.last-c.first)*float64(at-c.from)/float64(c.until-c.from)
}

// client draws one: the first ones come far more often than the last ones.
func (c crowd) client(random *rand.Rand) netip.AddrPort {
	draw := random.Float64()
	number := int(draw * draw * draw * float64(c.clients))
	addr := c.sources.Addr().As4()
	addr[3] += byte(1 + number)
	return netip.AddrPortFrom(netip.AddrFrom4(addr), uint16(30000+number*7+random.IntN(c.attempts)))
}
