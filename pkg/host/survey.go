// SPDX-License-Identifier: Apache-2.0

package host

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Survey reads what the running machine says of itself: in its own network
// namespace and in every other that is found and may be entered, or in those
// with these inode numbers only.
func Survey(only []uint32) (*Snapshot, error) {
	s := &Snapshot{Time: time.Now()}
	err := travel(func(t *traveller) error { return s.visitAll(t, only) })
	if err != nil {
		return nil, fmt.Errorf("look around: %w", err)
	}
	s.readSystem(Running)
	if host, err := os.Hostname(); err == nil {
		s.System.Name = host
	}
	s.findOwners()
	if os.Geteuid() != 0 {
		s.Unread = append(s.Unread, "the processes and the network namespaces of other users: run it as root")
	}
	return s, nil
}

// visitAll looks at each namespace. Those that are gone by now are left out.
func (s *Snapshot) visitAll(t *traveller, only []uint32) error {
	found := scan(false)
	if slices.ContainsFunc(only, func(n uint32) bool { return len(found[n].paths) == 0 }) {
		found = scan(true).or(found)
	}
	order := slices.Sorted(maps.Keys(found))
	order = append([]uint32{t.own}, slices.DeleteFunc(order, func(n uint32) bool { return n == t.own })...)
	for _, netns := range order {
		if len(only) > 0 && !slices.Contains(only, netns) {
			continue
		}
		at := found[netns]
		space := Space{Netns: netns, Own: netns == t.own}
		if !space.Own {
			space.Name, space.Enter = nameOf(at), at.enter()
		}
		var unread []string
		err := t.visitPlace(at, netns, func() (err error) {
			unread, err = space.readHere(listening)
			return err
		})
		switch {
		case err == nil:
			s.Spaces = append(s.Spaces, space)
			for _, what := range unread {
				s.Unread = append(s.Unread, space.where()+what)
			}
		case at.leadsTo(netns):
			s.Unread = append(s.Unread, fmt.Sprintf("network namespace %s: %v", spaceWord(&space), err))
		}
	}
	return nil
}

// where says in front of what could not be read whose it is.
func (s *Space) where() string {
	if s.Own {
		return ""
	}
	return fmt.Sprintf("network namespace %s: ", spaceWord(s))
}

func spaceWord(s *Space) string {
	if s.Name != "" {
		return s.Name
	}
	return strconv.FormatUint(uint64(s.Netns), 10)
}

// enter is how a command is run in the namespace of a place.
func (p *place) enter() string {
	switch {
	case p.name != "":
		return "ip netns exec " + p.name
	case p.pid != 0:
		return EnterProcess(p.pid)
	}
	return "nsenter --net=" + p.paths[0]
}

// EnterProcess begins a command line that runs in a process's network namespace.
func EnterProcess(pid int) string { return fmt.Sprintf("nsenter -t %d -n", pid) }

// readHere reads the calling thread's namespace, its listening sockets by list.
// Without its counters nothing is worth anything. The rest may be missing, and
// then is among what was not read.
func (s *Space) readHere(list func() ([]socket, error)) (unread []string, err error) {
	dir, err := threadDir()
	if err != nil {
		return nil, err
	}
	if s.Counters, err = readAllCounters(Running.read, dir); err != nil {
		return nil, err
	}
	s.readNet(Running, dir)
	s.Sysctls = readSysctls(Running)
	if err := s.readHolders(); err != nil {
		unread = append(unread, "who has the entries of the connection tracking table: "+err.Error())
	}
	if err := s.readListeners(list); err != nil {
		unread = append(unread, "the listeners: "+err.Error())
	}
	return unread, nil
}

// readListeners lists the listening sockets of the calling thread's namespace,
// with how long those whose accept queue is full have stood still. An error may
// come with the list, which then is without that.
func (s *Space) readListeners(list func() ([]socket, error)) error {
	sockets, err := list()
	if err != nil {
		return err
	}
	for _, sock := range sockets {
		l := newListenerQueue(&sock)
		if l.Full() {
			w, err1 := waitingFor(sockets, l.Addr.Port())
			if err1 == nil && w.Connections > int(*l.Limit) {
				l.Still = w.Newest
			}
			err = cmp.Or(err, err1)
		}
		s.Listeners = append(s.Listeners, l)
	}
	return err
}

func newListenerQueue(s *socket) ListenerQueue {
	l := ListenerQueue{Addr: s.addr, inode: s.inode}
	if q := s.queues; q != nil {
		l.Waiting, l.Limit = q.waiting, &q.limit
		if q.drops != nil {
			drops := uint64(*q.drops)
			l.Drops = &drops
		}
	}
	return l
}

// readNet reads what is below net in a directory of /proc, beside the counters.
func (s *Space) readNet(r Root, dir string) {
	if text, err := r.read(filepath.Join(dir, "net/sockstat")); err == nil {
		s.Sockets = parseSockstat(text)
	}
	for _, f := range neighbourFiles {
		if text, err := r.read(filepath.Join(dir, f.path)); err == nil {
			_ = parsePerCPU(f.prefix)(text, &selection{values: s.Counters}) // as far as it could be read
			s.Counters[f.prefix+"entries"] = firstHex(text)
		}
	}
}

// firstHex is the first number of the second line. Unlike the counters beside it
// the number of entries is not a CPU's own.
func firstHex(text string) uint64 {
	_, rows, _ := strings.Cut(text, "\n")
	first, _, _ := strings.Cut(strings.TrimSpace(rows), " ")
	n, _ := strconv.ParseUint(first, 16, 64)
	return n
}

// sysctlDirsRead are the directories of /proc/sys whose sysctls are read, the
// last part of a path being a name or a pattern.
var sysctlDirsRead = []string{"net/core/*", "net/ipv4/*", "net/netfilter/*", "net/ipv4/conf/*/rp_filter", "net/ipv4/neigh/default/*", "net/ipv6/neigh/default/*"}

// readSysctls reads the sysctls of the reader's namespace, or of a saved tree.
func readSysctls(r Root) map[string]string {
	values := map[string]string{}
	const sys = "/proc/sys/"
	for _, pattern := range sysctlDirsRead {
		for _, path := range r.expand(sys + pattern) {
			if text, err := r.read(path); err == nil {
				values[SysctlKey(strings.TrimPrefix(path, sys))] = normalValue(text)
			}
		}
	}
	return values
}

// expand lists the paths that a pattern stands for, in which a part that is a
// star stands for any.
func (r Root) expand(pattern string) []string {
	before, after, ok := strings.Cut(pattern, "*")
	if !ok {
		return []string{pattern}
	}
	var found []string
	for _, name := range r.list(before) {
		found = append(found, r.expand(before+name+after)...)
	}
	return found
}

// readSystem reads what is the same in all namespaces.
func (s *Snapshot) readSystem(r Root) {
	sys := &s.System
	sys.Saved = r.saved()
	text := func(path string) string {
		t, _ := r.read(path) // missing is unknown
		return t
	}
	sys.Kernel = strings.TrimSpace(text("/proc/sys/kernel/osrelease"))
	sys.Name = strings.TrimSpace(text("/proc/sys/kernel/hostname"))
	sys.Memory = parseMemTotal(text("/proc/meminfo"))
	sys.Uptime = parseUptime(text("/proc/uptime"))
	sys.CPUs = strings.Count("\n"+text("/proc/cpuinfo"), "\nprocessor\t")
	sys.Softnet = parseSoftnet(text("/proc/net/softnet_stat"))
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
			inodes[l.inode] = true
		}
	}
	found := newPeople(procDir, inodes)
	for i := range s.Spaces {
		for j := range s.Spaces[i].Listeners {
			l := &s.Spaces[i].Listeners[j]
			if pids := found.owners.of([]socket{{inode: l.inode}}); len(pids) > 0 {
				l.Process = found.eldest(pids)
			}
		}
	}
}
