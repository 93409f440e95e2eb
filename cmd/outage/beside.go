// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"time"

	"github.com/synwatch/synwatch/pkg/conntrack/conntracktest"
	"github.com/synwatch/synwatch/pkg/provoke"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// The table of connections: its limit, and how many of it one office holds at the
// beginning and when it is full.
const (
	tableMax    = 4096
	heldFirst   = 1400
	tableIsFull = 50 * time.Second
)

// fillTable lets the table of connections fill up.
func (s *shop) fillTable(ctx context.Context) error {
	err := os.WriteFile("/proc/sys/net/netfilter/nf_conntrack_max", []byte(fmt.Sprint(tableMax)), 0)
	if err != nil {
		return err
	}
	const steps = 25
	held := 0
	for step := range steps + 1 {
		want := heldFirst + (tableMax-heldFirst)*step/steps
		err := s.ServerDo(func() error { return conntracktest.Fill(s.office(held, want)) })
		if errors.Is(err, unix.ENOMEM) { // the clients have the rest of the table
			return nil
		}
		if err != nil {
			return err
		}
		held = want
		if !wait(ctx, tableIsFull/steps) {
			return nil
		}
	}
	return nil
}

// office are entries of connections that were never closed.
func (s *shop) office(from, until int) func(yield func(conntracktest.Entry) bool) {
	return func(yield func(conntracktest.Entry) bool) {
		for i := from; i < until; i++ {
			src := netip.AddrFrom4([4]byte{203, 0, 113, byte(i%48 + 1)})
			if !yield(conntracktest.Entry{
				Src: netip.AddrPortFrom(src, uint16(1024+i)), Dst: s.addr(portShop), Proto: unix.IPPROTO_TCP,
				State: nl.TCP_CONNTRACK_ESTABLISHED, Status: conntracktest.SeenReply | conntracktest.Assured, Timeout: 432000 - 3*3600,
			}) {
				return
			}
		}
	}
}

// passing are provocations on another machine's way through and out, which go on beside.
var passing = []string{"netfilter-drop/published", "no-route", "neighbour-unresolved/published", "packet-too-big", "paws-established"}

// beside runs them in turn until the outage is over.
func beside(ctx context.Context, lab *provoke.Lab) error {
	ctx, cancel := context.WithTimeout(ctx, length)
	defer cancel()
	all := provoke.All()
	for i := 0; ; i++ {
		name := passing[i%len(passing)]
		p := all[slices.IndexFunc(all, func(p provoke.Provocation) bool { return p.Name() == name })]
		if p.Missing() == nil {
			if _, err := p.Run(ctx, lab, provoke.V4); err != nil && ctx.Err() == nil {
				return fmt.Errorf("provoke %s: %w", name, err)
			}
		}
		if !wait(ctx, time.Second) {
			return nil
		}
	}
}

// wait waits, and says whether to go on.
func wait(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}
