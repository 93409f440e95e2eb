// SPDX-License-Identifier: Apache-2.0

package survey

import (
	"cmp"
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"

	"github.com/synwatch/synwatch/pkg/conntrack"
	"github.com/synwatch/synwatch/pkg/nstat"
	"github.com/synwatch/synwatch/pkg/sockets"
)

// where says in front of what could not be read whose it is.
func (s *Space) where() string {
	if s.Own {
		return ""
	}
	return fmt.Sprintf("network namespace %s: ", s.word())
}

// word names the namespace.
func (s *Space) word() string {
	if s.Name != "" {
		return s.Name
	}
	return strconv.FormatUint(uint64(s.Netns.Inode), 10)
}

// readHere reads the calling thread's namespace, its listening sockets by list.
// Without its counters nothing is worth anything. The rest may be missing, and
// then is among what was not read.
func (s *Space) readHere(list func() ([]sockets.Socket, error)) (unread []string, err error) {
	if err := s.readState(); err != nil {
		return nil, err
	}
	if err := s.readHolders(); err != nil {
		unread = append(unread, "who has the entries of the connection tracking table: "+err.Error())
	}
	if s.Firewall, err = readRules(); err != nil {
		unread = append(unread, "the rules of the firewall: "+err.Error())
	}
	if s.Interfaces, err = readInterfaces(); err != nil {
		unread = append(unread, "what the interfaces lost: "+err.Error())
	}
	if s.tracks() && !s.hasCounters("Conntrack") {
		if _, err := conntrack.ReadStats(); err != nil {
			unread = append(unread, err.Error())
		}
	}
	if err := s.readListeners(list); err != nil {
		unread = append(unread, "the listeners: "+err.Error())
	}
	return unread, nil
}

// readListeners lists the listening sockets of the calling thread's namespace,
// with how long those whose accept queue is full have stood still. An error may
// come with the list, which then is without that.
func (s *Space) readListeners(list func() ([]sockets.Socket, error)) error {
	listening, err := list()
	if err != nil {
		return err
	}
	for _, sock := range listening {
		l := sockets.NewListenerQueue(&sock)
		if l.Full() {
			w, err1 := sockets.WaitingFor(listening, l.Addr.Port())
			if err1 == nil && w.Connections > int(*l.Limit) {
				l.Still = w.Newest
			}
			err = cmp.Or(err, err1)
		}
		s.Listeners = append(s.Listeners, l)
	}
	return err
}

// readNet reads what is below net in a directory of /proc, beside the counters.
func (s *Space) readNet(r Tree, dir string) {
	if text, err := r.read(filepath.Join(dir, "net/sockstat")); err == nil {
		s.Sockets = nstat.ParseSockstat(text)
	}
	s.Counters.AddNeighbours(r.read, dir)
}

// holdersFrom is from what share of the connection tracking table on, in percent,
// it is read on a running machine: that takes half a second for 300,000 entries.
const holdersFrom = 75

// readHolders reads the connection tracking table of the calling thread's namespace
// when it fills. It takes privilege, and a kernel that has the netlink interface.
func (s *Space) readHolders() error {
	count, err1 := s.conntrackSysctl("nf_conntrack_count")
	limit, err2 := s.conntrackSysctl("nf_conntrack_max")
	if err1 != nil || err2 != nil || uint64(count)*100 < uint64(limit)*holdersFrom {
		return nil // there is no table, or it has room
	}
	holders, err := conntrack.Holders(s.conntrackSysctl)
	s.Holders = holders
	return err
}

// conntrackSysctl is a number below net.netfilter, by its name.
func (s *Space) conntrackSysctl(name string) (uint32, error) {
	text, ok := s.Sysctls["net.netfilter."+name]
	if !ok {
		return 0, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
	}
	n, err := strconv.ParseUint(text, 10, 32)
	return uint32(n), err
}
