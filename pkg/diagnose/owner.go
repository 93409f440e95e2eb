// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"fmt"
	"slices"
	"strings"

	"github.com/synwatch/synwatch/pkg/proc"
	"github.com/synwatch/synwatch/pkg/shell"
)

// inner says whether the network namespace is known not to be the machine's first.
func (f *Facts) inner() bool { return f.Space.Inner }

// hasFiles says whether the sysctl files that were read set the sysctls of the
// namespace. systemd-sysctl and procps read them at the machine's boot, for its first
// namespace; a container's are read only by a systemd that boots it.
func (f *Facts) hasFiles() bool {
	return f.Space.Own && (f.Space.Boots || !f.inner() && !f.System.Container)
}

// isGlobal says whether a sysctl is the whole machine's. In other namespaces than the
// first such are not there (net/ipv4/sysctl_net_ipv4.c:ipv4_table,
// net/core/sysctl_net_core.c:net_core_table), or are shown and set in the first only
// (net/netfilter/nf_conntrack_standalone.c:nf_conntrack_standalone_init_sysctl), or
// are those of the first (net/core/neighbour.c:neigh_sysctl_register).
func isGlobal(sysctl string) bool {
	return global[sysctl] || strings.Contains(sysctl, ".neigh.default.gc_thresh")
}

var global = map[string]bool{
	"net.netfilter.nf_conntrack_max": true, "net.netfilter.nf_conntrack_buckets": true,
	maxBacklog: true, maxOrphans: true, "net.ipv4.tcp_mem": true,
}

// setNow sets a sysctl until the next boot, in its namespace. The machine's are set
// in its first, which a container cannot enter.
func (f *Facts) setNow(c *Change) shell.Command {
	command := setSysctl(c.Sysctl, c.Value)
	switch {
	case command.IsZero():
		return command
	case !isGlobal(c.Sysctl):
		return command.By(f.Space.Enter)
	case f.inner() && f.Space.Own && f.System.Container:
		return shell.Command{}
	case f.inner() && f.Space.Own:
		return command.By([]string{"nsenter", "-t", "1", "-n"})
	}
	return command
}

// forGood adds to all findings how their changes are made for good. It comes last, when
// the values are final.
func forGood(found []Finding) {
	for i := range found {
		found[i].Changes = found[i].in.forGood(found[i].Changes)
		found[i].in = nil // a finding is kept for longer than the facts
	}
}

// forGood adds how the sysctls of a finding are set for good where no sysctl file
// does it: as the owner of the namespace makes it, on the host where they are the
// whole machine's.
func (f *Facts) forGood(changes []Change) []Change {
	if f.hasFiles() || !f.inner() && !f.System.Container {
		return changes
	}
	var own []Change
	last := 0
	for i := range changes {
		c := &changes[i]
		if c.Sysctl == "" || c.Basis == Assumed {
			continue
		}
		last = i + 1
		switch {
		case isGlobal(c.Sysctl) || !f.inner():
			c.Why += "; it is the whole machine's: for good, it belongs into /etc/sysctl.d of the host, not of a container"
		case settable(c.Sysctl, c.Value):
			own = append(own, *c)
		}
	}
	if own == nil {
		return changes
	}
	return slices.Insert(changes, last, f.byOwner(own)...)
}

// byOwner is how whoever makes the namespace sets its sysctls.
func (f *Facts) byOwner(own []Change) []Change {
	container, unit := f.whose()
	var found []Change
	if container || !unit && f.Space.Name == "" || f.System.Container {
		found = append(found, inEngine(own), inPod(own))
	}
	if unit {
		found = append(found, do("in the unit that makes the namespace: "+prefixed("ExecStartPre=+", own),
			"the unit's namespace (PrivateNetwork=, NetworkNamespacePath=) is made anew when it starts, with the kernel's own values"))
	}
	if f.Space.Name != "" && !container && !unit && !f.System.Container {
		found = append(found, do("in what makes the namespace, behind ip netns add: "+prefixed("", own),
			"a namespace that is made anew has the kernel's own values; the files of /etc/sysctl.d are not read for it"))
	}
	return found
}

// whose says whether a container, or a unit without one, listens in the namespace.
func (f *Facts) whose() (container, unit bool) {
	look := func(p *proc.Process) {
		container = container || p.Container != ""
		unit = unit || p.Unit != "" && p.Container == ""
	}
	for i := range f.Space.Listeners {
		look(&f.Space.Listeners[i].Process)
	}
	if f.Tally != nil && f.Tally.listenerHere() != nil {
		look(&f.Tally.listenerHere().Process)
	}
	return container, unit && !container
}

func prefixed(with string, own []Change) string {
	var lines []string
	for _, c := range own {
		lines = append(lines, with+setSysctl(c.Sysctl, c.Value).String())
	}
	return strings.Join(lines, "; ")
}

const madeAnew = "the value is this network namespace's own, and gone with it: a container that starts again has a new one with the kernel's own values; /etc/sysctl.d is read at the machine's boot, for its first namespace only"

// inEngine is the change as the flags of docker run, and podman's, and as compose
// has it.
func inEngine(own []Change) Change {
	args := []string{"run"}
	var lines []string
	for _, c := range own {
		args = append(args, "--sysctl", c.Sysctl+"="+c.Value)
		lines = append(lines, fmt.Sprintf("%s: %q", c.Sysctl, c.Value))
	}
	return do(fmt.Sprintf("in a container: %s; in compose: sysctls: {%s}", shell.New("docker", args...), strings.Join(lines, ", ")), madeAnew)
}

// safeInPods are the sysctls that a pod may set without its node's leave, those
// that any rule names, and since which release of Kubernetes
// (kubernetes.io/docs/tasks/administer-cluster/sysctl-cluster).
var safeInPods = map[string]string{synCookies: "", tcpRmem: "1.32"}

func inPod(own []Change) Change {
	var lines, unsafe []string
	why := "the safe ones need nothing else"
	for _, c := range own {
		lines = append(lines, fmt.Sprintf("{name: %s, value: %q}", c.Sysctl, c.Value))
		since, safe := safeInPods[c.Sysctl]
		switch {
		case !safe:
			unsafe = append(unsafe, c.Sysctl)
		case since != "":
			why += fmt.Sprintf(" (%s is one since Kubernetes %s)", c.Sysctl, since)
		}
	}
	if unsafe != nil {
		list := strings.Join(unsafe, ",")
		why = fmt.Sprintf("%s: unsafe there, so that the node refuses the pod unless its kubelet has --allowed-unsafe-sysctls=%s", list, list)
	}
	return do(fmt.Sprintf("in a pod: securityContext: {sysctls: [%s]}", strings.Join(lines, ", ")), why)
}
