// SPDX-License-Identifier: Apache-2.0

package conntrack

import (
	"context"
	"errors"
	"io/fs"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/synwatch/synwatch/pkg/conntrack/conntracktest"
	"github.com/synwatch/synwatch/pkg/needs"
	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

const sysctls = "/proc/sys/net/netfilter/"

// inNetns runs a test in a namespace of its own, where there is connection
// tracking.
func inNetns(t *testing.T, fn func() error) {
	t.Helper()
	needs.Root(t)
	needs.File(t, sysctls+"nf_conntrack_count")
	if err := netns.InsideNew(fn); err != nil {
		t.Fatal(err)
	}
}

func addrPort(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }

var samples = []conntracktest.Entry{
	{Src: addrPort("203.0.113.7:40000"), Dst: addrPort("192.0.2.1:443"), Proto: unix.IPPROTO_TCP,
		State: nl.TCP_CONNTRACK_ESTABLISHED, Status: conntracktest.SeenReply | conntracktest.Assured, Timeout: 86400},
	{Src: addrPort("[2001:db8::7]:40001"), Dst: addrPort("[2001:db8:1::1]:443"), Proto: unix.IPPROTO_TCP,
		State: nl.TCP_CONNTRACK_SYN_SENT, Timeout: 100, Zone: 7},
	{Src: addrPort("198.51.100.9:53000"), Dst: addrPort("192.0.2.1:53"), Proto: unix.IPPROTO_UDP, Timeout: 25},
	{Src: addrPort("198.51.100.9:77"), Dst: addrPort("192.0.2.1:77"), Proto: unix.IPPROTO_ICMP,
		Status: conntracktest.SeenReply, Timeout: 20},
}

// fillSamples creates the samples, without a zone on a kernel without
// CONFIG_NF_CONNTRACK_ZONES.
func fillSamples() ([]conntracktest.Entry, error) {
	filled := slices.Clone(samples)
	for i := range filled {
		one := func() error { return conntracktest.Fill(slices.Values(filled[i : i+1])) }
		err := one()
		if errors.Is(err, unix.EOPNOTSUPP) && filled[i].Zone != 0 {
			filled[i].Zone = 0
			err = one()
		}
		if err != nil {
			return nil, err
		}
	}
	return filled, nil
}

func dump(t *testing.T, family uint8) ([]Entry, error) {
	c, err := Open()
	if err != nil {
		return nil, err
	}
	defer c.Close()
	var entries []Entry
	d, err := c.Dump(t.Context(), family, func(e *Entry) { entries = append(entries, *e) })
	if d.Entries != uint64(len(entries)) || d.Malformed != 0 || d.Interrupted {
		t.Errorf("%d entries, %+v", len(entries), d)
	}
	return entries, err
}

func TestDump(t *testing.T) {
	inNetns(t, func() error {
		err := os.WriteFile(sysctls+"nf_conntrack_timestamp", []byte("1"), 0)
		timestamps := !errors.Is(err, fs.ErrNotExist) // without CONFIG_NF_CONNTRACK_TIMESTAMP
		if err != nil && timestamps {
			return err
		}
		before := time.Now()
		samples, err := fillSamples()
		if err != nil {
			return err
		}
		var want []Entry
		for _, s := range samples {
			e := Entry{Src: s.Src.Addr(), Dst: s.Dst.Addr(), SrcPort: s.Src.Port(), DstPort: s.Dst.Port(), Zone: s.Zone,
				Proto: s.Proto, State: s.State, Status: s.Status | 1<<3, HasTimeout: true}
			if s.Proto == unix.IPPROTO_ICMP {
				e.SrcPort, e.DstPort = 0, 0
			}
			want = append(want, e)
		}
		got, err := dump(t, unix.AF_UNSPEC)
		order := cmpopts.SortSlices(func(a, b Entry) bool { return a.Src.Compare(b.Src) < 0 || a.Src == b.Src && a.Proto < b.Proto })
		if diff := cmp.Diff(want, got, addrs, order, cmpopts.IgnoreFields(Entry{}, "Timeout", "Start")); diff != "" {
			t.Error(diff)
		}
		for _, e := range got {
			if started := time.Unix(0, int64(e.Start)); !timestamps {
				if e.Start != 0 {
					t.Errorf("%v: started %v", e.Src, started)
				}
			} else if started.Before(before.Add(-time.Second)) || started.After(time.Now().Add(time.Second)) {
				t.Errorf("%v: started %v", e.Src, started)
			}
			if e.Timeout == 0 || e.Timeout > 86400 {
				t.Errorf("%v: timeout %d", e.Src, e.Timeout)
			}
		}
		v6, err6 := dump(t, unix.AF_INET6)
		v4, err4 := dump(t, unix.AF_INET)
		if len(v6) != 1 || len(v4) != 3 {
			t.Errorf("%d of IPv6, %d of IPv4", len(v6), len(v4))
		}
		return errors.Join(err, err4, err6)
	})
}

// Many answers, so that the buffers go round.
func TestDumpMany(t *testing.T) {
	inNetns(t, func() error {
		const n = 3000
		if err := conntracktest.Fill(func(yield func(conntracktest.Entry) bool) {
			for i := range n {
				e := samples[0]
				e.Src = netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 1000)
				if !yield(e) {
					return
				}
			}
		}); err != nil {
			return err
		}
		got, err := dump(t, unix.AF_UNSPEC)
		seen := map[netip.Addr]bool{}
		for _, e := range got {
			seen[e.Src] = true
		}
		if len(got) != n || len(seen) != n {
			t.Errorf("%d entries of %d sources, want %d", len(got), len(seen), n)
		}
		return err
	})
}

func TestDumpEnds(t *testing.T) {
	inNetns(t, func() error {
		c, err := Open()
		if err != nil {
			return err
		}
		defer c.Close()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := c.Dump(ctx, unix.AF_UNSPEC, func(*Entry) {}); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
		return nil
	})
}

func TestDumpTakesNoForgeries(t *testing.T) {
	inNetns(t, func() error {
		c, err := Open()
		if err != nil {
			return err
		}
		defer c.Close()
		own, err := unix.Getsockname(c.fd)
		if err != nil {
			return err
		}
		other, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_NETFILTER)
		if err != nil {
			return err
		}
		defer unix.Close(other)
		if err := unix.Sendto(other, make([]byte, unix.SizeofNlMsghdr), 0, own); !errors.Is(err, unix.ECONNREFUSED) {
			t.Errorf("a message of another socket: %v", err)
		}
		return nil
	})
}

// dropCapabilities drops those of the thread, which ends with the test.
func dropCapabilities(t *testing.T) {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var none [2]unix.CapUserData
	if err := unix.Capset(&header, &none[0]); err != nil {
		t.Error(err)
	}
}

func TestDumpWithoutPrivilege(t *testing.T) {
	inNetns(t, func() error {
		c, err := Open()
		if err != nil {
			return err
		}
		defer c.Close()
		dropCapabilities(t)
		_, err = c.Dump(t.Context(), unix.AF_UNSPEC, func(*Entry) {})
		if !errors.Is(err, ErrCannot) || !strings.Contains(err.Error(), "CAP_NET_ADMIN") {
			t.Errorf("got %v", err)
		}
		return nil
	})
}
