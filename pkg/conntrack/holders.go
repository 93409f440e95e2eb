// SPDX-License-Identifier: Apache-2.0

package conntrack

import (
	"context"
	"io"
	"time"

	"github.com/synwatch/synwatch/pkg/netns"
	"golang.org/x/sys/unix"
)

const (
	// holdersTop is how many single addresses are shown.
	holdersTop = 10
	// holdersTime is how long reading the table may take at the end of a trace.
	holdersTime = 10 * time.Second
)

// ReadNetns describes the connection tracking of a network namespace, with who
// has the entries.
func ReadNetns(id netns.ID) (*NetnsTable, error) {
	t, err := InNetns(id, func(t *NetnsTable) (err error) {
		t.Holders, err = Holders(t.Sysctl)
		return err
	})
	return &t, err
}

// Holders says who has the entries of the calling thread's namespace, from its
// numbers below net.netfilter.
func Holders(sysctl func(name string) (uint32, error)) (*Summary, error) {
	conn, err := Open()
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(context.Background(), holdersTime)
	defer cancel()
	tally := NewTally(Options{}, NewClock(time.Now(), sysctl))
	if _, err := conn.Dump(ctx, unix.AF_UNSPEC, tally.Add); err != nil {
		return nil, err
	}
	s := tally.Summary(holdersTop)
	return &s, nil
}

// HoldersInText says who has the entries of a saved table, as ReadText reads it.
func HoldersInText(r io.Reader, sysctl func(name string) (uint32, error)) (*Summary, error) {
	tally := NewTally(Options{}, NewClock(time.Time{}, sysctl))
	if err := ReadText(r, tally.Add); err != nil {
		return nil, err
	}
	s := tally.Summary(holdersTop)
	return &s, nil
}
