// SPDX-License-Identifier: Apache-2.0

package netns

import (
	"fmt"
	"sync/atomic"

	"github.com/synwatch/synwatch/pkg/proc"
)

// Resident is a task in a network namespace, or an open file that holds one.
type Resident struct {
	// Netns is the namespace. A file's has no cookie, and may be a namespace of another
	// kind; these have other inode numbers.
	Netns ID
	// PID is the process and Number the thread or the file, as /proc numbers them.
	PID, Number int
}

// Census lists who is in the network namespaces of this machine, at a fraction of what it
// costs to read all of /proc. Both call a function for each that they find; what they
// found before an error may be a part only. Any goroutine may ask.
type Census interface {
	// Tasks lists the processes, and the threads that are elsewhere than their process.
	Tasks(found func(Resident)) error
	// Files lists the open files of all processes that hold a namespace.
	Files(found func(Resident)) error
}

// inUse is the Census that Discover asks.
var inUse atomic.Pointer[Census]

// UseCensus has everything that looks for namespaces in this process ask c from now on,
// until end is called.
func UseCensus(c Census) (end func()) {
	inUse.Store(&c)
	return func() { inUse.CompareAndSwap(&c, nil) }
}

// ask finds what Discover does, and says whether there is a Census and it could.
func (ls Locations) ask(deep bool) bool {
	c := inUse.Load()
	if c == nil || (*c).Tasks(ls.addResident) != nil {
		return false
	}
	if deep {
		return (*c).Files(ls.addHolder) == nil
	}
	return true
}

// addResident adds the namespace of a task. They come in the order of their numbers, as
// those of /proc do.
func (ls Locations) addResident(r Resident) {
	at := ls[r.Netns.Inode]
	if at.cookie != r.Netns.Cookie { // the number is another namespace's by now
		at = Location{cookie: r.Netns.Cookie}
	}
	if len(at.paths) >= maxResidents {
		return
	}
	if r.PID == r.Number {
		if at.pid == 0 {
			at.pid = r.PID
		}
		at.append(fmt.Sprintf("%s/%d/ns/net", proc.Dir, r.PID))
	} else {
		at.append(fmt.Sprintf("%s/%d/task/%d/ns/net", proc.Dir, r.PID, r.Number))
	}
	ls[r.Netns.Inode] = at
}

// addHolder adds the namespace that an open file holds, if that is a network namespace.
func (ls Locations) addHolder(r Resident) {
	if at, known := ls[r.Netns.Inode]; known && len(at.paths) >= maxResidents {
		return
	}
	path := fmt.Sprintf("%s/%d/fd/%d", proc.Dir, r.PID, r.Number)
	if leadsTo(path, r.Netns.Inode) {
		ls.addLink(path, r.Netns.Inode)
	}
}
