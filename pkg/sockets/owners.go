// SPDX-License-Identifier: Apache-2.0

package sockets

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/procfs"
	"github.com/synwatch/synwatch/pkg/proc"
)

// Owners are the processes that have sockets open.
type Owners struct {
	pids      map[uint64][]int // by the socket's inode number
	processes map[int]process
}

// process is who a process is, and when it was started, in clock ticks.
type process struct {
	proc.Process
	started uint64
	// master tells that it waits for its children, or for a signal, and accepts
	// nothing. It is looked at only where several have a socket.
	master bool
}

// FindOwners looks through the open files of all processes of a /proc that it may
// look at for the sockets with these inode numbers, and who the processes are.
func FindOwners(dir string, inodes map[uint64]bool) *Owners {
	o := &Owners{pids: findPIDs(dir, inodes), processes: map[int]process{}}
	fs, err := procfs.NewFS(dir)
	if err != nil {
		return o
	}
	for _, pids := range o.pids {
		for _, pid := range pids {
			p, known := o.processes[pid]
			if !known {
				p = process{proc.Describe(fs, pid), startOf(fs, pid), false}
			}
			p.master = p.master || len(pids) > 1 && isMaster(fs, pid)
			o.processes[pid] = p
		}
	}
	return o
}

// last is 1 for what comes behind all others.
func (p *process) last() int {
	if p.master {
		return 1
	}
	return 0
}

// isMaster says whether a process's only thread waits for a child or for a signal
// (kernel/exit.c:do_wait, kernel/signal.c:sigsuspend), as the process does that makes
// a socket and has workers accept from it. What it waits in takes privilege to read.
func isMaster(fs procfs.FS, pid int) bool {
	dir, err := fs.Proc(pid)
	if err != nil {
		return false
	}
	stat, err1 := dir.Stat()
	in, err2 := dir.Wchan()
	if err1 != nil || err2 != nil || stat.NumThreads != 1 {
		return false
	}
	return in == "do_wait" || in == "__do_wait" || strings.Contains(in, "sigsuspend")
}

func findPIDs(dir string, inodes map[uint64]bool) map[uint64][]int {
	found := map[uint64][]int{}
	for _, name := range proc.List(dir) {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		fds := filepath.Join(dir, name, "fd")
		for _, fd := range proc.List(fds) {
			link, err := os.Readlink(filepath.Join(fds, fd))
			if err != nil {
				continue
			}
			inode, ok := parseSocketLink(link)
			if ok && inodes[inode] && !slices.Contains(found[inode], pid) {
				found[inode] = append(found[inode], pid)
			}
		}
	}
	return found
}

// parseSocketLink reads the inode number out of "socket:[1681]".
func parseSocketLink(link string) (uint64, bool) {
	digits, ok := strings.CutPrefix(link, "socket:[")
	if !ok {
		return 0, false
	}
	digits, ok = strings.CutSuffix(digits, "]")
	if !ok {
		return 0, false
	}
	inode, err := strconv.ParseUint(digits, 10, 64)
	return inode, err == nil
}

// startOf is when a process was started, the end of time for one that is gone.
func startOf(fs procfs.FS, pid int) uint64 {
	const gone = 1<<64 - 1
	dir, err := fs.Proc(pid)
	if err != nil {
		return gone
	}
	stat, err := dir.Stat()
	if err != nil {
		return gone
	}
	return stat.Starttime
}

// Keep adds the owners that sockets had before and have lost: those of the sockets
// with these inode numbers that are closed by now.
func (o *Owners) Keep(before *Owners, inodes map[uint64]bool) {
	for inode, pids := range before.pids {
		if !inodes[inode] || o.pids[inode] != nil {
			continue
		}
		o.pids[inode] = pids
		for _, pid := range pids {
			if _, known := o.processes[pid]; !known {
				o.processes[pid] = before.processes[pid]
			}
		}
	}
}

// Of returns the eldest process that has one of the sockets open, which is the
// parent of those to which it passed its sockets on, and how many others have one. A
// process that only waits for its children comes last: they accept.
// Without any there is no process.
func (o *Owners) Of(sockets []Socket) (eldest proc.Process, others int) {
	pids := o.pidsOf(sockets)
	if len(pids) == 0 {
		return proc.Process{}, 0
	}
	first := slices.MinFunc(pids, func(a, b int) int {
		x, y := o.processes[a], o.processes[b]
		return cmp.Or(x.last()-y.last(), cmp.Compare(x.started, y.started), cmp.Compare(a, b))
	})
	return o.processes[first].Process, len(pids) - 1
}

// pidsOf lists the processes that have one of the sockets open, without those that
// only keep them: systemd has the sockets of its units open for ever.
func (o *Owners) pidsOf(sockets []Socket) []int {
	var pids []int
	for _, s := range sockets {
		pids = append(pids, o.pids[s.Inode]...)
	}
	slices.Sort(pids)
	pids = slices.Compact(pids)
	if len(pids) > 1 && pids[0] == 1 {
		pids = pids[1:]
	}
	return pids
}
