// SPDX-License-Identifier: Apache-2.0

package survey

import (
	"maps"
	"slices"
	"strings"

	"github.com/synwatch/synwatch/pkg/conntrack"
	"github.com/synwatch/synwatch/pkg/nstat"
	"github.com/synwatch/synwatch/pkg/sockets"
)

// readSavedSpace reads a namespace. The files of /proc are of the first, whose name
// is empty.
func (v *saved) readSavedSpace(netns string) {
	s := Space{Name: netns, Own: netns == "", Inner: netns != ""}
	s.Sysctls = map[string]string{}
	v.each(netns, "sysctl", "a", func(_ *capture, text string) bool {
		maps.Copy(s.Sysctls, parseSysctlList(text))
		return true
	})
	s.Counters = v.printedCounters(netns)
	if s.Own {
		maps.Copy(s.Sysctls, readSysctls(v.tree)) // a copy of the file is more to be trusted
		v.addProcCounters(&s)
		s.readNet(v.tree, "/proc")
	} else {
		s.Enter = []string{"ip", "netns", "exec", netns}
	}
	if !s.hasCounters("Conntrack") {
		v.each(netns, "conntrack", "S", func(c *capture, text string) bool {
			values, bad := nstat.ParseConntrackStats(text)
			v.misread(c.file, bad)
			maps.Copy(s.Counters, values)
			return len(values) == 0
		})
	}
	s.Listeners = v.listeners(netns)
	s.Interfaces = v.interfaces(netns)
	v.readSavedHolders(&s)
	s.Firewall = v.readFirewall(netns)
	v.Spaces = append(v.Spaces, s)
}

// printedCounters are what nstat and netstat -s printed. Only nstat -a prints totals;
// netstat has no words for some counters.
func (v *saved) printedCounters(netns string) nstat.Values {
	values := nstat.Values{}
	v.each(netns, "netstat", "s", func(_ *capture, text string) bool {
		maps.Copy(values, nstat.ParseNetstat(text))
		return true
	})
	v.each(netns, "nstat", "a", func(c *capture, text string) bool {
		found, bad := nstat.ParseNstat(text)
		v.misread(c.file, bad)
		maps.Copy(values, found)
		return true
	})
	return values
}

// addProcCounters adds what the files of /proc have. They are of one moment, so
// that they replace what commands printed if they are complete.
func (v *saved) addProcCounters(s *Space) {
	values, wrong := nstat.ReadSaved(v.tree.read, "/proc")
	for _, err := range wrong {
		v.unread(err.Error())
	}
	_, segments := values["TcpPassiveOpens"]
	_, listens := values["TcpExtListenDrops"]
	if segments && listens {
		s.Counters = values
		return
	}
	maps.Copy(s.Counters, values)
}

// listeners takes what ss printed, or else netstat, or else the files of /proc,
// which do not tell the limits of the queues. Processes are filled in from those
// that tell them.
func (v *saved) listeners(netns string) []sockets.ListenerQueue {
	parse := func(command string, parse func(string) ([]sockets.ListenerQueue, int)) (found []sockets.ListenerQueue) {
		v.each(netns, command, "", func(c *capture, text string) bool {
			var bad int
			found, bad = parse(text)
			v.misread(c.file, bad)
			return found == nil
		})
		return found
	}
	ss, netstat := parse("ss", sockets.ParseSS), parse("netstat", sockets.ParseNetstat)
	var proc []sockets.ListenerQueue
	if netns == "" {
		proc = v.procListeners()
	}
	switch {
	case slices.ContainsFunc(ss, limited) || proc == nil && netstat == nil:
		sockets.FillOwners(ss, netstat)
		return ss
	case proc != nil:
		sockets.FillOwners(proc, ss)
		sockets.FillOwners(proc, netstat)
		return proc
	}
	sockets.FillOwners(netstat, ss)
	return netstat
}

func limited(l sockets.ListenerQueue) bool { return l.Limit != nil }

func (v *saved) procListeners() []sockets.ListenerQueue {
	var all []sockets.ListenerQueue
	for _, path := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		text, err := v.tree.read(path)
		if err != nil {
			continue
		}
		found, bad := sockets.ParseProcTCP(text)
		v.misread(path, bad)
		all = append(all, found...)
	}
	return all
}

// readSavedHolders reads the connection tracking table.
func (v *saved) readSavedHolders(s *Space) {
	if s.Own {
		tables := []capture{{file: "/proc/net/nf_conntrack"}}
		if v.takeHolders(s, tables) {
			return
		}
	}
	var listed []capture
	for _, c := range v.captures {
		if c.netns == s.Name && c.is("conntrack", "L") {
			listed = append(listed, c)
		}
	}
	v.takeHolders(s, listed)
}

func (v *saved) takeHolders(s *Space, tables []capture) bool {
	for i := range tables {
		table, err := v.tree.openCapture(&tables[i])
		if err != nil {
			continue
		}
		holders, err := conntrack.HoldersInText(table, s.conntrackSysctl)
		_ = table.Close() // was only read
		if err == nil && holders.Entries > 0 {
			s.Holders = holders
			return true
		}
	}
	return false
}

// interfaces reads what the interfaces of a namespace received and lost.
func (v *saved) interfaces(netns string) []nstat.Interface {
	var all []nstat.Interface
	if netns == "" {
		if text, err := v.tree.read("/proc/net/dev"); err == nil {
			found, bad := nstat.ParseNetDev(text)
			v.misread("/proc/net/dev", bad)
			all = found
		}
		all = v.tree.addStatistics(all)
	}
	v.each(netns, "ethtool", "S", func(c *capture, text string) bool {
		if len(c.words) > 2 {
			i := interfaceNamed(&all, strings.Join(c.words[2:], "_"))
			for _, l := range nstat.ParseEthtool(text) {
				if !slices.ContainsFunc(i.Losses, func(o nstat.Loss) bool { return o.Counter == l.Counter }) {
					i.Losses = append(i.Losses, l)
				}
			}
		}
		return true
	})
	return all
}

// interfaceNamed finds or makes an interface. The name may be out of the name of a file,
// in which every byte but a few is an underscore.
func interfaceNamed(all *[]nstat.Interface, name string) *nstat.Interface {
	for i := range *all {
		if (*all)[i].Name == name || inFileName((*all)[i].Name) == name {
			return &(*all)[i]
		}
	}
	*all = append(*all, nstat.Interface{Name: name})
	return &(*all)[len(*all)-1]
}

func inFileName(name string) string {
	return strings.Map(func(r rune) rune {
		if r == '-' || r == '.' || r == '_' || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' {
			return r
		}
		return '_'
	}, name)
}
