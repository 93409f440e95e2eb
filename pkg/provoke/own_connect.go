// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/synwatch/synwatch/pkg/event"
	"golang.org/x/sys/unix"
)

// ownConnect are connections of this host itself that do not get out.
var ownConnect = []Provocation{
	{
		Cause: "netfilter-drop", Variant: "own-connect", Families: []Family{V4, V6}, Needs: []string{featRules},
		Run: play(nil, ownRuled),
	},
	{
		Cause: "netfilter-reject", Variant: "own-connect", Families: []Family{V4, V6}, Needs: []string{featRejectRules},
		Run: play(nil, ownRejected),
	},
	{
		Cause: "netfilter-reject", Variant: "own-connect/iptables", Families: []Family{V4, V6}, Needs: []string{featIPTablesReject},
		Run: play(sysctls{alone: "yes"}, ownRejectedIPTables),
	},
	{
		Cause: "neighbour-unresolved", Variant: "own-connect", Families: []Family{V4, V6},
		Run: play(givingUp(device, "212992"), ownUnresolved),
	},
	{
		Cause: "no-route", Stage: "connect", Families: []Family{V4, V6},
		Run: play(sysctls{alone: "yes"}, ownUnrouted),
	},
	{
		Cause: "no-route", Stage: "connect", Variant: "bound", Families: []Family{V4, V6},
		Run: play(sysctls{alone: "yes"}, ownUnroutedBound),
	},
	{
		Cause: "no-route", Stage: "connect", Variant: "unreachable", Families: []Family{V4, V6},
		Run: play(nil, ownRefusedBy(unix.RTN_UNREACHABLE, unix.EHOSTUNREACH)),
	},
	{
		Cause: "no-route", Stage: "connect", Variant: "prohibit", Families: []Family{V4, V6},
		Run: play(nil, ownRefusedBy(unix.RTN_PROHIBIT, unix.EACCES)),
	},
	{
		Cause: "no-route", Stage: "connect", Variant: "blackhole", Families: []Family{V4, V6},
		Run: play(nil, ownRefusedBy(unix.RTN_BLACKHOLE, unix.EINVAL)),
	},
}

// ownRuled has a rule drop our own SYNs.
func ownRuled(b *bench) Expect {
	b.rule(output, b.peer(), verdictDrop)
	return b.ownConnects(Drop{Cause: "netfilter-drop"}, nil)
}

// ownRejected has a rule refuse them, which connect hears of.
func ownRejected(b *bench) Expect {
	b.rule(output, b.peer(), rejectReset)
	return b.ownConnects(Drop{Cause: "netfilter-reject"}, nil)
}

func ownRejectedIPTables(b *bench) Expect {
	b.iptables(filterTable, rejectRule(b.peer()))
	return b.ownConnects(Drop{Cause: "netfilter-reject"}, nil)
}

// ownUnresolved connects to an address on the server's own link that nobody has.
func ownUnresolved(b *bench) Expect {
	away := b.onLink(b.ports(50, 1))[0]
	e := b.ownConnectsTo(away, Drop{Cause: "neighbour-unresolved"}, nil)
	b.awaitGivenUp(b.serverIndex, away.Addr())
	return e
}

// ownAttempts is how many connections of its own the server tries.
const ownAttempts = 3

// peer is for the server's own connections. It never answers.
func (b *bench) peer() netip.AddrPort { return b.ports(50, 1)[0] }

// ownConnects has the server connect to its peer, each SYN of which dies of like.
func (b *bench) ownConnects(like Drop, counters map[string]uint64) Expect {
	return b.ownConnectsTo(b.peer(), like, counters)
}

func (b *bench) ownConnectsTo(to netip.AddrPort, like Drop, counters map[string]uint64) Expect {
	for range ownAttempts {
		b.connectOnce(to)
	}
	return b.expectOwn(to, like, counters)
}

// expectOwn is like's drop of each of our own SYNs.
func (b *bench) expectOwn(to netip.AddrPort, like Drop, counters map[string]uint64) Expect {
	like.Direction, like.Dst = event.Out, to
	return b.expectCounts(like, map[netip.Addr]uint64{b.serverAddr(b.f): ownAttempts}, counters)
}

// connectOnce has the server send a SYN, and gives up at once. What refuses the
// SYN may say so.
func (b *bench) connectOnce(to netip.AddrPort) {
	if b.fail(b.ctx.Err()); b.err != nil {
		return
	}
	b.fail(b.ServerDo(func() error {
		fd, err := tcpSocket(b.f)
		if err != nil {
			return err
		}
		err = unix.Connect(fd, sockaddr(to))
		if errors.Is(err, unix.EINPROGRESS) || errors.Is(err, unix.ECONNREFUSED) {
			return closeAll(fd)
		}
		return errors.Join(fmt.Errorf("connect to %s: %w", to, err), closeAll(fd))
	}))
}
