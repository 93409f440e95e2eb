// SPDX-License-Identifier: Apache-2.0

package survey

import (
	"errors"
	"slices"
	"strings"

	"github.com/synwatch/synwatch/pkg/text"
)

// ErrNothing says that a tree holds nothing that is of use.
var ErrNothing = errors.New("holds none of the files of a saved machine: etc/sysctl.conf, etc/sysctl.d, proc, sos_commands, a supportconfig's network.txt or a node collection's networking")

// saved is a saved tree that is being read.
type saved struct {
	*Snapshot
	tree     Tree
	captures []capture
}

// Survey reads what a saved tree says of its machine. What the tree does not hold
// stays unknown.
func (t Tree) Survey() (*Snapshot, error) {
	v := &saved{Snapshot: &Snapshot{}, tree: t}
	v.captures = append(v.tree.readSupportconfig(), sosCaptures(v.tree)...)
	v.captures = append(v.captures, nodeCaptures(v.tree)...)
	v.readSystem(v.tree)
	v.readSavedSystem()
	v.readLogs()
	for _, netns := range v.netnsNames() {
		v.readSavedSpace(netns)
	}
	own := &v.Spaces[0]
	if own.empty() && len(v.Spaces) == 1 && v.System.Files == nil && v.System.Kernel == "" && v.System.Log == nil && v.Unread == nil {
		return nil, ErrNothing
	}
	v.lackOfSpaces()
	v.lackOfSystem()
	return v.Snapshot, nil
}

func (s *Space) empty() bool {
	return len(s.Counters) == 0 && len(s.Sysctls) == 0 && s.Sockets == nil && s.Listeners == nil && s.Holders == nil && s.Interfaces == nil && s.Firewall == nil
}

func (v *saved) unread(what string) { v.Unread = append(v.Unread, what) }

// misread says that lines of a file were not understood.
func (v *saved) misread(file string, lines int) {
	if lines > 0 {
		v.unread(text.Count(lines, "line") + " of " + file + ", not understood")
	}
}

// each calls fn with what a command printed in a namespace, for each time that it was
// run, until fn returns false.
func (v *saved) each(netns, command, letter string, fn func(c *capture, text string) bool) {
	for i := range v.captures {
		c := &v.captures[i]
		if c.netns != netns || !c.is(command, letter) {
			continue
		}
		if text, err := v.tree.readCapture(c); err == nil && !fn(c, text) {
			return
		}
	}
}

// first is what a command printed first in a namespace, empty for nothing.
func (v *saved) first(netns, command, letter string) (found string) {
	v.each(netns, command, letter, func(_ *capture, text string) bool {
		found = text
		return strings.TrimSpace(text) == ""
	})
	return found
}

// readSavedSystem adds what commands printed to what readSystem found in files.
func (v *saved) readSavedSystem() {
	sys := &v.System
	if sys.Kernel == "" {
		sys.Name, sys.Kernel = v.uname()
	}
	if sys.Uptime == 0 {
		sys.Uptime = parseUptimeText(v.first("", "uptime", ""))
	}
}

// uname reads "Linux NAME RELEASE ...", or the release in /proc/version.
func (v *saved) uname() (name, release string) {
	if f := strings.Fields(v.first("", "uname", "")); len(f) > 2 && f[0] == "Linux" {
		return f[1], f[2]
	}
	version, err := v.tree.read("/proc/version")
	if f := strings.Fields(version); err == nil && len(f) > 2 && f[1] == "version" {
		return "", f[2]
	}
	return "", ""
}

// netnsNames are the names of the namespaces of which the tree may hold something,
// the first's, which is empty, before the others'.
func (v *saved) netnsNames() []string {
	names := []string{""}
	for i := range v.captures {
		names = append(names, v.captures[i].netns)
	}
	v.each("", "ip", "", func(c *capture, text string) bool {
		if len(c.words) < 2 || c.words[1] != "netns" || slices.Contains(c.words, "exec") {
			return true
		}
		for line := range strings.Lines(text) {
			if f := strings.Fields(line); len(f) == 1 || len(f) > 1 && f[1] == "(id:" {
				names = append(names, f[0])
			}
		}
		return true
	})
	names = slices.DeleteFunc(names, func(name string) bool { return !mayBeNetns(name) })
	slices.Sort(names)
	return slices.Compact(names)
}

// mayBeNetns says whether ip netns could have made a namespace of that name, which
// is that of a file. Whoever wrote the tree chose it, and it is an argument of
// commands.
func mayBeNetns(name string) bool {
	return !strings.Contains(name, "/") && name != "." && name != ".." && !strings.HasPrefix(name, "-")
}

// Counted says whether the counters of the namespace were read.
func (s *Space) Counted() bool { return s.hasCounters("TcpExt") || s.hasCounters("Tcp") }

func (s *Space) hasCounters(prefix string) bool {
	for name := range s.Counters {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// tracks says whether connection tracking is known to be at work.
func (s *Space) tracks() bool {
	_, ok := s.Sysctls["net.netfilter.nf_conntrack_max"]
	return ok
}

// Counted says whether the counters were read: in each namespace of a running
// machine, and in a saved one's first. Else nobody may say that nothing is wrong.
func (s *Snapshot) Counted() bool {
	for i := range s.Spaces {
		if !s.Spaces[i].Counted() && (s.Spaces[i].Own || !s.System.Saved) {
			return false
		}
	}
	return len(s.Spaces) > 0
}
