// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"fmt"
	"io/fs"
	"strconv"
	"time"

	"github.com/synwatch/synwatch/pkg/conntrack"
	"golang.org/x/sys/unix"
)

// Holders is who has the entries of a connection tracking table.
type Holders = conntrack.Summary

const (
	// holdersFrom is from what share of the table on, in percent, it is looked
	// through on a running machine: that takes half a second for 300,000 entries.
	holdersFrom = 75
	// holdersTop is how many single addresses are told.
	holdersTop = 10
	// holdersPatience is how long that may take at the end of a trace.
	holdersPatience = 10 * time.Second
)

// ReadConntrack describes the connection tracking of a network namespace, with
// who has the entries.
func ReadConntrack(netns uint32) (*ConntrackTable, error) {
	var h *Holders
	t, err := VisitConntrack(netns, func() (err error) {
		h, err = holdersHere(readSysctls(Running))
		return err
	})
	t.Holders = h
	return &t, err
}

// holdersHere looks through the table of the calling thread's namespace.
func holdersHere(sysctls map[string]string) (h *Holders, err error) {
	conn, err := conntrack.Open()
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(context.Background(), holdersPatience)
	defer cancel()
	tally := newHolderTally(time.Now(), sysctls)
	if _, err := conn.Dump(ctx, unix.AF_UNSPEC, tally.Add); err != nil {
		return nil, err
	}
	return holdersOf(tally), nil
}

func newHolderTally(now time.Time, sysctls map[string]string) *conntrack.Tally {
	return conntrack.NewTally(conntrack.Options{}, conntrack.NewClock(now, func(name string) (uint32, error) {
		text, ok := sysctls["net.netfilter."+name]
		if !ok {
			return 0, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
		}
		n, err := strconv.ParseUint(text, 10, 32)
		return uint32(n), err
	}))
}

func holdersOf(t *conntrack.Tally) *Holders {
	s := t.Summary(holdersTop)
	return &s
}

// readHolders looks through the table of the calling thread's namespace when it
// fills. It takes privilege, and a kernel that has the netlink interface.
func (s *Space) readHolders() (err error) {
	count, err1 := strconv.ParseUint(s.Sysctls["net.netfilter.nf_conntrack_count"], 10, 64)
	limit, err2 := strconv.ParseUint(s.Sysctls["net.netfilter.nf_conntrack_max"], 10, 64)
	if err1 != nil || err2 != nil || count*100 < limit*holdersFrom {
		return nil // there is no table, or it has room
	}
	s.Holders, err = holdersHere(s.Sysctls)
	return err
}

// savedTables is where a saved tree has its table.
var savedTables = []string{"/proc/net/nf_conntrack", "/sos_commands/conntrack/conntrack_-L_-o_extended"}

// readSavedHolders reads the table of a saved tree.
func (s *Space) readSavedHolders(r Root) {
	for _, path := range savedTables {
		text, err := r.open(path)
		if err != nil {
			continue
		}
		tally := newHolderTally(time.Time{}, s.Sysctls)
		err = conntrack.ReadText(text, tally.Add)
		_ = text.Close() // was only read
		if err == nil {
			s.Holders = holdersOf(tally)
			return
		}
	}
}
