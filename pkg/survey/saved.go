// SPDX-License-Identifier: Apache-2.0

package survey

import (
	"errors"
	"maps"
	"strings"

	"github.com/synwatch/synwatch/pkg/conntrack"
	"github.com/synwatch/synwatch/pkg/nstat"
	"github.com/synwatch/synwatch/pkg/sockets"
)

// What a sosreport has in place of files of /proc: the output of commands.
const (
	sosNetworking = "/sos_commands/networking/"
	sosNetstat    = sosNetworking + "netstat_-s"
	sosSysctl     = "/sos_commands/kernel/sysctl_-a"
	sosUname      = "/sos_commands/kernel/uname_-a"
)

// ErrNothing says that a tree holds nothing that is of use.
var ErrNothing = errors.New("holds none of the files of a saved machine: etc/sysctl.conf, etc/sysctl.d, proc or sos_commands")

// Survey reads what a saved tree says of its machine, all as of one network
// namespace. What the tree does not hold stays unknown.
func (r Tree) Survey() (*Snapshot, error) {
	s := &Snapshot{}
	s.readSystem(r)
	space := Space{Own: true}
	space.readSaved(r)
	sys := &s.System
	if sys.Kernel == "" {
		sys.Name, sys.Kernel = savedUname(r)
	}
	if space.empty() && sys.Files == nil && sys.Kernel == "" && s.Unread == nil {
		return nil, ErrNothing
	}
	if len(space.Counters) == 0 {
		s.Unread = append(s.Unread, "the kernel's counters: neither proc/net/netstat nor netstat_-s is in the tree")
	}
	if len(space.Sysctls) == 0 {
		s.Unread = append(s.Unread, "the sysctls in force: neither proc/sys nor sysctl_-a is in the tree")
	}
	if space.Listeners == nil {
		s.Unread = append(s.Unread, "the listeners: neither proc/net/tcp nor ss_* is in the tree")
	}
	s.Spaces = []Space{space}
	return s, nil
}

func (s *Space) empty() bool {
	return len(s.Counters) == 0 && len(s.Sysctls) == 0 && s.Sockets == nil && s.Listeners == nil && s.Holders == nil
}

func (s *Space) readSaved(r Tree) {
	s.Sysctls = readSysctls(r)
	if text, err := r.read(sosSysctl); err == nil {
		listed := parseSysctlList(text)
		maps.Copy(listed, s.Sysctls) // a copy of the file is more to be trusted
		s.Sysctls = listed
	}
	s.Counters = savedCounters(r)
	s.readNet(r, "/proc")
	s.Listeners = savedListeners(r)
	s.readSavedHolders(r)
}

// savedTables is where a saved tree has its connection tracking table.
var savedTables = []string{"/proc/net/nf_conntrack", "/sos_commands/conntrack/conntrack_-L_-o_extended"}

func (s *Space) readSavedHolders(r Tree) {
	for _, path := range savedTables {
		text, err := r.open(path)
		if err != nil {
			continue
		}
		holders, err := conntrack.HoldersInText(text, s.conntrackSysctl)
		_ = text.Close() // was only read
		if err == nil {
			s.Holders = holders
			return
		}
	}
}

// savedCounters reads the files of /proc, or else what netstat -s printed of
// them. It is empty when there is neither.
func savedCounters(r Tree) nstat.Values {
	values, _ := nstat.ReadAll(r.read, "/proc") // what came before an error counts
	if _, ok := values["TcpPassiveOpens"]; ok {
		return values
	}
	if text, err := r.read(sosNetstat); err == nil {
		maps.Copy(values, nstat.ParseNetstat(text))
	}
	return values
}

// savedUname reads "Linux NAME RELEASE ...", or the release in /proc/version.
func savedUname(r Tree) (name, release string) {
	for _, path := range []string{sosUname, "/uname"} {
		text, err := r.read(path)
		if f := strings.Fields(text); err == nil && len(f) > 2 && f[0] == "Linux" {
			return f[1], f[2]
		}
	}
	text, err := r.read("/proc/version")
	if f := strings.Fields(text); err == nil && len(f) > 2 && f[1] == "version" {
		return "", f[2]
	}
	return "", ""
}

// savedListeners takes what ss printed, or else the files of /proc, which do not
// tell the limits of the queues.
func savedListeners(r Tree) []sockets.ListenerQueue {
	for _, name := range r.list(sosNetworking) {
		if !strings.HasPrefix(name, "ss_") {
			continue
		}
		if text, err := r.read(sosNetworking + name); err == nil {
			if found := sockets.ParseSS(text); found != nil {
				return found
			}
		}
	}
	var found []sockets.ListenerQueue
	for _, path := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		text, err := r.read(path)
		if err != nil {
			continue
		}
		listening, err := sockets.ParseProcTCP(strings.NewReader(text))
		if err != nil {
			continue
		}
		for _, sock := range listening {
			found = append(found, sockets.NewListenerQueue(&sock))
		}
	}
	return found
}
