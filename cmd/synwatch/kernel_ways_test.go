// SPDX-License-Identifier: Apache-2.0

package main

import (
	"net"
	"net/netip"
	"slices"
	"testing"

	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/needs"
	"github.com/synwatch/synwatch/pkg/provoke"
	"golang.org/x/sys/unix"
)

// provokeSome provokes several things, one after the other.
func provokeSome(t *testing.T, lab *provoke.Lab, names ...string) (all []provoke.Drop) {
	t.Helper()
	for _, name := range names {
		all = append(all, provokeIn(t, lab, name).Drops...)
	}
	return all
}

// TestKernelDirections: --direction leaves out the drops of the other directions, those
// included that died before the kernel knew theirs.
func TestKernelDirections(t *testing.T) {
	needs.FewKernels(t)
	lab := newLab(t)
	loadModules()
	ways := []string{"no-listener", "netfilter-drop/prerouting", "netfilter-drop/forward", "netfilter-drop/forward/prerouting", "netfilter-drop/own-connect"}
	for value, asked := range map[string][]event.Direction{
		"forward": {event.Forward},
		"in,out":  {event.In, event.Out},
	} {
		t.Run(value, func(t *testing.T) {
			s := startTrace(t, append(only(lab), "--direction", value)...)
			want := provokeSome(t, lab, ways...)
			records, _ := s.stop()
			isOther := func(d provoke.Drop) bool {
				return !slices.Contains(asked, directionOf(d))
			}
			checkCounts(t, records, slices.DeleteFunc(want, isOther))
		})
	}
}

func directionOf(d provoke.Drop) event.Direction {
	if d.Direction == "" {
		return event.In
	}
	return d.Direction
}

// TestKernelProtos: what a firewall drops of other protocols than TCP is told to who
// asks for it, and what connection tracking does not know to everybody.
func TestKernelProtos(t *testing.T) {
	needs.FewKernels(t)
	lab := newLab(t)
	loadModules()
	for _, test := range []struct {
		flags     []string
		tcp, rest bool
		noise     bool
	}{
		{nil, true, true, false},
		{[]string{"--proto", "udp"}, false, true, true},
		{[]string{"--proto", "all"}, true, true, true},
	} {
		t.Run(name(test.flags), func(t *testing.T) {
			s := startTrace(t, append(only(lab), test.flags...)...)
			if cov := s.coverage(); !seen(cause.NewAttributor(cov).Stages(), "conntrack-invalid", "") {
				s.stop()
				needs.Hooks(t, false, whyBlind(cov))
			}
			var want []provoke.Drop
			for _, part := range []struct {
				told  bool
				drops []provoke.Drop
			}{
				// The provocations wait until all has been received that was sent before.
				{test.noise, sendNoise(t, lab)},
				{test.rest, provokeSome(t, lab, "conntrack-invalid/udp")},
				{test.tcp, provokeSome(t, lab, "no-listener")},
			} {
				if part.told {
					want = append(want, part.drops...)
				}
			}
			records, _ := s.stop()
			checkCounts(t, records, want)
		})
	}
}

func name(flags []string) string {
	if flags == nil {
		return "none"
	}
	return flags[1]
}

// sendNoise sends UDP that a rule of the server drops from then on.
func sendNoise(t *testing.T, lab *provoke.Lab) []provoke.Drop {
	t.Helper()
	const port, n = 1900, 3
	to := netip.AddrPortFrom(lab.Inlet().Addr, port)
	if err := lab.DropUDP(port); err != nil {
		t.Fatal(err)
	}
	var from netip.Addr
	err := lab.ClientDo(func() error {
		c, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(to))
		if err != nil {
			return err
		}
		defer c.Close()
		from = c.LocalAddr().(*net.UDPAddr).AddrPort().Addr()
		for range n {
			if _, err := c.Write([]byte("M-SEARCH")); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return []provoke.Drop{{Cause: "netfilter-drop", Proto: unix.IPPROTO_UDP, Src: from, Dst: to, Count: n}}
}
