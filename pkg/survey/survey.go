// SPDX-License-Identifier: Apache-2.0

package survey

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/synwatch/synwatch/pkg/nstat"
	"github.com/synwatch/synwatch/pkg/proc"
	"github.com/synwatch/synwatch/pkg/sockets"
	"golang.org/x/sys/unix"
)

// Running reads what the running machine says of itself: in its own network
// namespace and in every other that is found and may be entered, or in those
// with these inode numbers only.
func Running(only []uint32) (*Snapshot, error) {
	s := &Snapshot{Time: time.Now()}
	err := netns.OnThread(func(t *netns.Thread) error { return s.readSpaces(t, only) })
	if err != nil {
		return nil, fmt.Errorf("read network namespaces: %w", err)
	}
	s.readSystem(running)
	s.System.Container = thisProcess.contained()
	if host, err := os.Hostname(); err == nil {
		s.System.Name = host
	}
	s.findOwners()
	if os.Geteuid() != 0 {
		s.Unread = append(s.Unread, "the processes and the network namespaces of other users: run it as root")
	}
	return s, nil
}

// readSpaces reads each namespace. Those that are gone by now are left out.
func (s *Snapshot) readSpaces(t *netns.Thread, only []uint32) error {
	found := netns.Discover(false)
	missing := func(inode uint32) bool { _, ok := found[inode]; return !ok }
	if slices.ContainsFunc(only, missing) {
		found = netns.Discover(true)
	}
	order := slices.Sorted(maps.Keys(found))
	order = append([]uint32{t.Own()}, slices.DeleteFunc(order, func(inode uint32) bool { return inode == t.Own() })...)
	for _, inode := range order {
		if len(only) == 0 || slices.Contains(only, inode) {
			s.readSpace(t, inode, found[inode])
		}
	}
	return nil
}

func (s *Snapshot) readSpace(t *netns.Thread, inode uint32, at netns.Location) {
	space := Space{Netns: netns.ID{Inode: inode}, Own: inode == t.Own()}
	if space.Own {
		at = t.OwnLocation()
	}
	space.Name, space.Enter = at.Name(), at.EnterCommand()
	var unread []string
	err := t.Do(at, space.Netns, func(id netns.ID) (err error) {
		space.Netns = id
		unread, err = space.readHere(sockets.Listening)
		return err
	})
	switch {
	case err == nil:
		space.Boots = space.Own && space.Inner && thisProcess.boots()
		s.Spaces = append(s.Spaces, space)
		for _, what := range unread {
			s.Unread = append(s.Unread, space.where()+what)
		}
	case at.LeadsTo(inode):
		s.Unread = append(s.Unread, fmt.Sprintf("network namespace %s: %v", space.word(), err))
	}
}

// readSystem reads what is the same in all namespaces.
func (s *Snapshot) readSystem(r Tree) {
	sys := &s.System
	sys.Saved = r.saved()
	text := func(path string) string {
		t, err := r.read(path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // what is not there is unknown
			s.Unread = append(s.Unread, err.Error())
		}
		return t
	}
	sys.Kernel = strings.TrimSpace(text("/proc/sys/kernel/osrelease"))
	sys.Name = strings.TrimSpace(text("/proc/sys/kernel/hostname"))
	sys.Memory = parseMemTotal(text("/proc/meminfo"))
	sys.Uptime = parseUptime(text("/proc/uptime"))
	sys.CPUs = strings.Count("\n"+text("/proc/cpuinfo"), "\nprocessor\t")
	sys.Softnet = nstat.ParseSoftnet(text("/proc/net/softnet_stat"))
	files, unread := readSysctlFiles(r)
	sys.Files = files
	for _, path := range unread {
		s.Unread = append(s.Unread, path+": "+unix.EACCES.Error())
	}
}

// findOwners says whose the listening sockets are.
func (s *Snapshot) findOwners() {
	inodes := map[uint64]bool{}
	for _, space := range s.Spaces {
		for _, l := range space.Listeners {
			inodes[l.Inode] = true
		}
	}
	owners := sockets.FindOwners(proc.Dir, inodes)
	for i := range s.Spaces {
		for j := range s.Spaces[i].Listeners {
			l := &s.Spaces[i].Listeners[j]
			l.Process, _ = owners.Of([]sockets.Socket{{Inode: l.Inode}})
		}
	}
}
