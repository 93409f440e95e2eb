// SPDX-License-Identifier: Apache-2.0

package survey

import (
	"slices"
	"strings"

	"github.com/synwatch/synwatch/pkg/text"
)

// lackOfSystem says what was not found of that which all namespaces share.
func (v *saved) lackOfSystem() {
	if v.System.Uptime == 0 {
		v.unread("for how long the counters count: neither proc/uptime nor what uptime prints is in the tree")
	}
	if v.System.Softnet == nil {
		v.unread("the CPUs' queues of packets: proc/net/softnet_stat is not in the tree")
	}
	if v.System.Log == nil {
		v.unread("the kernel's log: neither dmesg nor the journal nor var/log is in the tree")
	}
}

// lackOfSpaces says what was not found of the namespaces, of all that lack the same
// at once, as there may be hundreds.
func (v *saved) lackOfSpaces() {
	const some = 8
	var order []string
	lacking := map[string][]string{}
	for i := range v.Spaces {
		s := &v.Spaces[i]
		for _, what := range s.lack() {
			if s.Own {
				v.unread(what)
				continue
			}
			if lacking[what] == nil {
				order = append(order, what)
			}
			lacking[what] = append(lacking[what], s.Name)
		}
	}
	for _, what := range order {
		names := lacking[what]
		whose := "network namespace " + names[0]
		if len(names) > 1 {
			whose = text.Count(len(names), "network namespace") + " (" + strings.Join(names[:min(len(names), some)], ", ")
			if len(names) > some {
				whose += ", ..."
			}
			whose += ")"
		}
		v.unread(whose + ": " + what)
	}
}

// lack is what was not found of a namespace.
func (s *Space) lack() []string {
	if s.empty() && !s.Own {
		return []string{"there is nothing of it in the tree"}
	}
	var lack []string
	if !s.Counted() {
		lack = append(lack, "the kernel's counters: neither proc/net/netstat and snmp nor nstat_-zas nor netstat_-s is in the tree")
	}
	if len(s.Sysctls) == 0 {
		lack = append(lack, "the sysctls in force: neither proc/sys nor sysctl_-a is in the tree")
	}
	switch {
	case s.Listeners == nil:
		lack = append(lack, "the listeners: neither proc/net/tcp nor ss_* nor netstat_* is in the tree")
	case !slices.ContainsFunc(s.Listeners, limited):
		lack = append(lack, "the limits of the accept queues: what ss -lnt prints is not in the tree")
	}
	if s.tracks() && !s.hasCounters("Conntrack") {
		lack = append(lack, "the counters of connection tracking: neither proc/net/stat/nf_conntrack nor conntrack_-S is in the tree")
	}
	if s.Interfaces == nil && s.Own {
		lack = append(lack, "what the interfaces lost: neither proc/net/dev nor sys/class/net nor ethtool_-S_* is in the tree")
	}
	return lack
}
