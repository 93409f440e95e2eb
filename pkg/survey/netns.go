// SPDX-License-Identifier: Apache-2.0

package survey

import (
	"fmt"
	"time"

	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/synwatch/synwatch/pkg/nstat"
	"github.com/synwatch/synwatch/pkg/proc"
)

// InNetns reads what one network namespace says of itself now, the process's own for
// the inode number 0: its sysctls, counters and rules, without what takes longer; and
// the machine.
func InNetns(id netns.ID) (*Snapshot, error) {
	s := &Snapshot{Time: time.Now()}
	own, _ := netns.Own()
	err := netns.Do(id, func(at netns.Location, id netns.ID) error {
		space := Space{Netns: id, Name: at.Name(), Own: id.Inode == own, Enter: at.EnterCommand()}
		if err := space.readState(); err != nil {
			return err
		}
		space.Firewall, _ = readRules() // the rest is worth something without
		space.Boots = space.Own && space.Inner && thisProcess.boots()
		s.Spaces = []Space{space}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read network namespace: %w", err)
	}
	s.readSystem(running)
	s.System.Container = thisProcess.contained()
	return s, nil
}

// readState reads the counters and the sysctls of the calling thread's namespace.
func (s *Space) readState() error {
	dir, err := proc.ThreadDir()
	if err != nil {
		return err
	}
	if s.Counters, err = nstat.ReadHere(); err != nil {
		return err
	}
	s.readNet(running, dir)
	s.Sysctls = readSysctls(running)
	s.Inner = inner(s.Sysctls)
	return nil
}
