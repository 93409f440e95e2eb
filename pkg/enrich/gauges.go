// SPDX-License-Identifier: Apache-2.0

package enrich

import (
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/synwatch/synwatch/pkg/conntrack"
	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/synwatch/synwatch/pkg/sockets"
)

// Gauges reads how full queues and tables are, now.
type Gauges struct {
	finder *netns.Finder
	// searched are the namespaces that a deep search was for, which takes its time.
	searched map[netns.ID]bool
}

// maxSearched bounds what is remembered of that.
const maxSearched = 4096

// NewGauges returns one that knows no namespace yet.
func NewGauges() *Gauges { return &Gauges{netns.NewFinder(), map[netns.ID]bool{}} }

// Wanted is what to read of one network namespace beside its connection tracking.
type Wanted struct {
	Netns netns.ID
	// Listeners asks for the sockets that listen, Requests for what is in the handshake,
	// which takes a time in proportion to all connections.
	Listeners, Requests bool
}

// Gauge is what was read.
type Gauge struct {
	Netns netns.ID // as it was wanted
	// Listening are the sockets with their accept queues; nil for unknown.
	Listening []sockets.Socket
	// Requests are the connections in the handshake, by what the clients addressed; nil
	// for unknown.
	Requests map[netip.AddrPort]uint32
	// Somaxconn is net.core.somaxconn, 0 for unknown.
	Somaxconn uint32
	// SynBacklog is how many requests tcp_max_syn_backlog lets a listener have of clients
	// that it does not know, 0 for any number, or for unknown.
	SynBacklog uint32
	// Conntrack is nil where there is no table.
	Conntrack *conntrack.Usage
}

// Read reads in each namespace. Those that are gone, or that this process may not enter,
// are missing from the result.
func (g *Gauges) Read(wanted []Wanted) []Gauge {
	var found []Gauge
	_ = netns.OnThread(func(t *netns.Thread) error {
		known := g.find(wanted, t.Own())
		for _, w := range wanted {
			at := known[w.Netns.Inode]
			if w.Netns.Inode == t.Own() {
				at = t.OwnLocation()
			}
			_ = t.Do(at, w.Netns, func(netns.ID) error {
				found = append(found, w.read())
				return nil
			})
		}
		return nil
	})
	return found
}

// find looks where the namespaces are that are not this process's own.
func (g *Gauges) find(wanted []Wanted, own uint32) netns.Locations {
	away := func(w Wanted) bool { return w.Netns.Inode != own }
	if !slices.ContainsFunc(wanted, away) {
		return nil
	}
	known := g.finder.Find(false)
	lost := false
	for _, w := range wanted {
		at := known[w.Netns.Inode]
		if away(w) && !g.searched[w.Netns] && !at.LeadsTo(w.Netns.Inode) {
			lost = true
			if len(g.searched) >= maxSearched {
				clear(g.searched)
			}
			g.searched[w.Netns] = true
		}
	}
	if lost {
		return g.finder.Search(true)
	}
	return known
}

// read is done in the namespace. What cannot be read is not there.
func (w *Wanted) read() Gauge {
	g := Gauge{Netns: w.Netns}
	g.Conntrack, _ = conntrack.ReadUsage()
	if w.Listeners {
		if found, err := sockets.Listening(); err == nil {
			g.Listening = append([]sockets.Socket{}, found...)
		}
		g.Somaxconn, _ = readSysctl("core/somaxconn")
	}
	if w.Requests {
		g.Requests, _ = sockets.Requests()
		g.SynBacklog = readSynBacklog()
	}
	return g
}

// readSynBacklog reads the limit that is in force with SYN cookies off (net/ipv4/
// tcp_input.c:tcp_conn_request): the last quarter is kept for clients that it knows.
func readSynBacklog() uint32 {
	if cookies, err := readSysctl("ipv4/tcp_syncookies"); err != nil || cookies != 0 {
		return 0
	}
	n, _ := readSysctl("ipv4/tcp_max_syn_backlog")
	return n - n>>2
}

// readSysctl reads a number of the calling thread's namespace.
func readSysctl(name string) (uint32, error) {
	text, err := os.ReadFile("/proc/sys/net/" + name)
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 32)
	return uint32(n), err
}
