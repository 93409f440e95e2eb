// SPDX-License-Identifier: Apache-2.0

package host

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/prometheus/procfs"
)

// processAge is a process and when it was started, in clock ticks.
type processAge struct {
	Process
	started uint64
}

// scouting finds out which processes have the sockets.
func (d *Directory) scouting() {
	defer d.workers.Done()
	for {
		pause := d.scoutPause()
		select {
		case <-d.stop:
			return
		case <-d.scout:
		case <-time.After(pause):
		}
		d.rest(d.people.restFor)
		if inodes := d.soughtNow(); inodes != nil {
			d.look(procDir, inodes)
		}
	}
}

// scoutPause is how long to wait for somebody to ask.
func (d *Directory) scoutPause() time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.inUse(d.now()) {
		return refresh / 5
	}
	return nap
}

// inUse says whether there were questions of late, so that what is known is to
// be kept fresh.
func (d *Directory) inUse(now time.Time) bool {
	for _, s := range d.spaces {
		if now.Sub(s.used) < 2*refresh {
			return true
		}
	}
	return false
}

// rest waits until it is fair to look again.
func (d *Directory) rest(until func(now time.Time) time.Duration) {
	d.mu.Lock()
	wait := until(d.now())
	d.mu.Unlock()
	if wait <= 0 {
		return
	}
	select {
	case <-time.After(wait):
	case <-d.stop:
	}
}

func (p *people) restFor(now time.Time) time.Duration {
	return max(gap, share*p.cost) - now.Sub(p.looked)
}

// soughtNow returns the sockets whose owners are to be found, nil for no need.
func (d *Directory) soughtNow() map[uint64]bool {
	now := d.now()
	d.mu.Lock()
	defer d.mu.Unlock()
	inUse := d.inUse(now)
	inodes := map[uint64]bool{}
	for _, s := range d.spaces {
		for _, sock := range s.sockets {
			inodes[sock.inode] = true
		}
		for _, f := range s.gone {
			inodes[f.inode] = true
		}
	}
	p := &d.people
	if !p.want && (!inUse || now.Sub(p.looked) < max(refresh, share*p.cost)) {
		return nil
	}
	p.want, p.looked = false, now
	return inodes
}

// look finds the owners of sockets and who they are. Those of a socket that is
// closed by now are kept.
func (d *Directory) look(proc string, inodes map[uint64]bool) {
	began := d.now()
	now := newPeople(proc, inodes)
	found, processes := now.owners, now.processes
	d.mu.Lock()
	defer d.mu.Unlock()
	p := &d.people
	for inode, pids := range p.owners {
		if inodes[inode] && found[inode] == nil {
			found[inode] = pids
			for _, pid := range pids {
				if _, known := processes[pid]; !known {
					processes[pid] = p.processes[pid]
				}
			}
		}
	}
	p.owners, p.processes, p.sought = found, processes, maps.Clone(inodes)
	p.cost = d.now().Sub(began)
}

// newPeople finds the processes that have the sockets open, and who they are.
func newPeople(proc string, inodes map[uint64]bool) *people {
	p := &people{owners: findOwners(proc, inodes), processes: map[int]processAge{}}
	fs, err := procfs.NewFS(proc)
	if err != nil {
		return p
	}
	for _, pids := range p.owners {
		for _, pid := range pids {
			if _, known := p.processes[pid]; !known {
				p.processes[pid] = processAge{describe(fs, pid), startOf(fs, pid)}
			}
		}
	}
	return p
}

// startOf is when a process was started, the end of time for one that is gone.
func startOf(proc procfs.FS, pid int) uint64 {
	const gone = 1<<64 - 1
	dir, err := proc.Proc(pid)
	if err != nil {
		return gone
	}
	stat, err := dir.Stat()
	if err != nil {
		return gone
	}
	return stat.Starttime
}

// eldest is the process that was started first: the parent of those to which it
// passed its sockets on.
func (p *people) eldest(pids []int) Process {
	first := slices.MinFunc(pids, func(a, b int) int {
		return cmp.Or(cmp.Compare(p.processes[a].started, p.processes[b].started), cmp.Compare(a, b))
	})
	return p.processes[first].Process
}
