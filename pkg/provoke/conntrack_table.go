// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strconv"

	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

const (
	featConntrackDump = "nf_conntrack_netlink"
	featChainLimit    = "conntrack chain limit"
)

// withConntrack gives do a netlink handle in the server's namespace.
func (b *bench) withConntrack(do func(*netlink.Handle) error) {
	if b.err != nil {
		return
	}
	b.fail(withConntrack(b.server, do))
}

func withConntrack(ns *os.File, do func(*netlink.Handle) error) error {
	h, err := netns.Netlink(ns, unix.NETLINK_NETFILTER)
	if err != nil {
		return err
	}
	defer h.Close()
	return do(h)
}

// flushConntrack empties the table now, and again at the end.
func (b *bench) flushConntrack() {
	flush := func(h *netlink.Handle) error {
		if err := h.ConntrackTableFlush(netlink.ConntrackTable); err != nil {
			return fmt.Errorf("flush conntrack: %w", err)
		}
		return nil
	}
	b.withConntrack(flush)
	b.undo = append(b.undo, func() error { return withConntrack(b.server, flush) })
}

// conntrackCount is the number of entries.
func (b *bench) conntrackCount() int {
	text, err := b.readSysctl("netfilter/nf_conntrack_count")
	b.fail(err)
	n, err := strconv.Atoi(text)
	b.fail(err)
	return n
}

func (b *bench) conntrackFamily() netlink.InetFamily {
	if b.f == V6 {
		return netlink.FAMILY_V6
	}
	return netlink.FAMILY_V4
}

// conntrackSources counts the run's entries by source.
func (b *bench) conntrackSources() map[netip.Addr]uint64 {
	out := map[netip.Addr]uint64{}
	b.withConntrack(func(h *netlink.Handle) error {
		flows, err := h.ConntrackTableList(netlink.ConntrackTable, b.conntrackFamily())
		if err != nil {
			return fmt.Errorf("dump conntrack: %w", err)
		}
		for _, flow := range flows {
			src, _ := netip.AddrFromSlice(flow.Forward.SrcIP)
			out[src.Unmap()]++
		}
		return nil
	})
	return out
}

// setGlobal sets a limit of the whole machine, which only the initial namespace
// may, and restores it at the end.
func (b *bench) setGlobal(name, value string) {
	if b.err != nil {
		return
	}
	b.fail(atHome(func() error {
		old, err := readSysctl(name)
		if err != nil {
			return err
		}
		b.undo = append(b.undo, func() error { return atHome(func() error { return writeSysctl(name, old) }) })
		return writeSysctl(name, value)
	}))
}

// atHome runs fn in the namespace that the process was started in.
func atHome(fn func() error) error { return netns.OnNewThread(func() error { return nil }, fn) }

func probeConntrackDump(ns *os.File) error {
	return withConntrack(ns, func(h *netlink.Handle) error {
		_, err := h.ConntrackTableList(netlink.ConntrackTable, netlink.FAMILY_V4)
		return err
	})
}

// probeChainLimit: before 5.15 a chain may be of any length.
func probeChainLimit(*os.File) error {
	ok, err := kernelHas("chaintoolong")
	if err == nil && !ok {
		err = errors.New("struct ip_conntrack_stat has no chaintoolong: this kernel does not limit a chain's length")
	}
	return err
}
