// SPDX-License-Identifier: Apache-2.0

package enrich

import (
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/procfs"
	"github.com/synwatch/synwatch/pkg/proc"
)

// maxSenders bounds the processes that are remembered.
const maxSenders = 4096

// sendersCache is who sent packets, by PID and name.
type sendersCache map[proc.Process]*sender

// sender is what is known of a process that sent packets.
type sender struct {
	proc.Process
	read time.Time // zero: never
	want bool
}

// sender says who a process is, and whether that was read.
func (c *Cache) sender(p proc.Process, now time.Time) (*proc.Process, bool) {
	s := c.senders[p]
	if s == nil {
		if len(c.senders) >= maxSenders {
			clear(c.senders)
		}
		s = &sender{Process: p}
		c.senders[p] = s
	}
	if !s.want && now.Sub(s.read) > refresh {
		s.want = true
		c.senderWorker.wake()
	}
	who := s.Process
	return &who, !s.read.IsZero()
}

// readSenders finds out who processes are, which may soon be gone.
func (c *Cache) readSenders() {
	for {
		select {
		case <-c.stop:
			return
		case <-c.senderWorker:
		}
		c.describeSenders(proc.Dir)
		c.wait(func(time.Time) time.Duration { return leastWait })
	}
}

// describeSenders reads what is wanted.
func (c *Cache) describeSenders(dir string) {
	c.mu.Lock()
	var wanted []proc.Process
	for p, s := range c.senders {
		if s.want {
			wanted = append(wanted, p)
		}
	}
	c.mu.Unlock()
	for _, p := range wanted {
		now := c.now()
		who, there := describe(dir, p)
		c.mu.Lock()
		if s := c.senders[p]; s != nil {
			s.read, s.want = now, false
			if there {
				s.Process = who
			}
		}
		c.mu.Unlock()
	}
}

// describe adds the container and the unit to a process if it is still there. The kernel
// side tells the name of a thread.
func describe(dir string, p proc.Process) (proc.Process, bool) {
	fs, err := procfs.NewFS(dir)
	if err != nil {
		return p, false
	}
	now := proc.Describe(fs, p.PID)
	if now.Comm == "" || now.Comm != p.Comm && !hasThread(dir, p) {
		return p, false
	}
	now.Comm = p.Comm
	return now, true
}

// hasThread says whether a process has a thread of a name.
func hasThread(dir string, p proc.Process) bool {
	var files proc.Reader
	tasks := filepath.Join(dir, strconv.Itoa(p.PID), "task")
	for _, tid := range proc.List(tasks) {
		comm, err := files.Read(filepath.Join(tasks, tid, "comm"))
		if err == nil && strings.TrimSuffix(comm, "\n") == p.Comm {
			return true
		}
	}
	return false
}
