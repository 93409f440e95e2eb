// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

const (
	ipForward = "net.ipv4.ip_forward"
	// allForward4 is the same value by another name (net/ipv4/devinet.c:ctl_forward_entry).
	allForward4 = "net.ipv4.conf.all.forwarding"
	// allForward6 is for all interfaces: that of one says only whether it is a router's
	// (net/ipv6/ip6_output.c:ip6_forward).
	allForward6 = "net.ipv6.conf.all.forwarding"
	// ipForwarding is 1 where ip_forward is 1, and else 2 (net/ipv4/proc.c:snmp_seq_show_ipstats).
	ipForwarding = "IpForwarding"

	forwarded4 = "IpForwDatagrams"
	forwarded6 = "Ip6OutForwDatagrams"
)

// ever is a counter since it began.
func (f *Facts) ever(counter string) uint64 {
	if f.totals != nil {
		return f.totals[counter]
	}
	return f.Space.Counters[counter]
}

// everForwarded is how many packets the namespace has forwarded since its counters began.
func (f *Facts) everForwarded() uint64 { return f.ever(forwarded4) + f.ever(forwarded6) }

// forwards says whether the counters tell that the namespace forwards packets.
func (f *Facts) forwards() bool { return f.everForwarded() > 0 }

// forwardKey is the key of an interface's forwarding.
func forwardKey(name string) string {
	return "net.ipv4.conf." + separators.Replace(name) + ".forwarding"
}

// forwardOff4 is the sysctls that keep IPv4 packets which come in on an interface, any
// if its name is empty, from being forwarded: the kernel looks at the interface's own,
// which ip_forward sets for all when it is written (net/ipv4/devinet.c:
// inet_forward_change, include/linux/inetdevice.h:IN_DEV_FORWARD).
func (f *Facts) forwardOff4(in string) []string {
	if f.is(ipForward, 0) || f.is(allForward4, 0) || f.Space.Sysctls[ipForward] == "" && f.Space.Counters[ipForwarding] == 2 {
		return []string{ipForward}
	}
	var off []string
	for _, key := range slices.Sorted(maps.Keys(f.Space.Sysctls)) {
		name, ok := interfaceOf(key, "forwarding")
		if ok && f.is(key, 0) && (in == "" || in == name) {
			off = append(off, key)
		}
	}
	return off
}

func (f *Facts) forwardOff6() []string {
	if f.is(allForward6, 0) {
		return []string{allForward6}
	}
	return nil
}

// fileForwards is the line of a sysctl file that says whether IPv4 is forwarded: of two
// names the one that is set last.
func (f *Facts) fileForwards(off string) (line string, on, found bool) {
	if !f.hasFiles() {
		return "", false, false
	}
	for _, a := range f.System.Files {
		if !a.Excludes && (a.Key == off || off == ipForward && a.Key == allForward4) {
			line, on, found = place(a), a.Value != "0", true
		}
	}
	return line, on, found
}

// guests are the interfaces that container engines, network plugins and hypervisors
// make for what is behind this machine on routed networks. Those of bridged guests need
// no forwarding.
var guests = regexp.MustCompile(`^(?:docker|podman|cni|cali|flannel|cilium|kube-|lxdbr|incusbr|virbr|br-[0-9a-f]{12}$)`)

// guestInterfaces are those of the namespace.
func (f *Facts) guestInterfaces() []string {
	var found []string
	add := func(name string) {
		if guests.MatchString(name) && !slices.Contains(found, name) {
			found = append(found, name)
		}
	}
	for _, i := range f.Space.Interfaces {
		add(i.Name)
	}
	for key := range f.Space.Sysctls {
		if name, ok := interfaceOf(key, "forwarding"); ok {
			add(name)
		}
	}
	slices.Sort(found)
	return found
}

// family is what counts and switches the forwarding of IPv4 or IPv6.
type family struct {
	forwarded, errors string // counters
	// off are the sysctls that keep packets from being forwarded.
	off []string
}

func (f *Facts) forwarding4(in string) family {
	return family{forwarded4, inAddrErrors4, f.forwardOff4(in)}
}

func (f *Facts) forwarding6() family { return family{forwarded6, inAddrErrors6, f.forwardOff6()} }

// wasRouter says whether the namespace has forwarded, or a file would have it do so.
func (f *Facts) wasRouter(fam *family) bool {
	return f.ever(fam.forwarded) > 0 || slices.ContainsFunc(fam.off, func(key string) bool {
		_, on, found := f.fileForwards(key)
		return found && on
	})
}

// routerEvidence is what says that the namespace is there to forward packets. Guests
// have IPv4; IPv6 is what somebody chooses.
func (f *Facts) routerEvidence(fam *family) []Evidence {
	var found []Evidence
	if n := f.ever(fam.forwarded); n > 0 {
		found = append(found, Evidence{What: "packets forwarded while it was on", Value: fmt.Sprint(n)})
	}
	for _, key := range fam.off {
		if line, on, ok := f.fileForwards(key); ok && on {
			found = append(found, Evidence{What: key + " in a file", Value: "1", Where: line})
		}
	}
	if names := f.guestInterfaces(); len(names) > 0 && fam.forwarded == forwarded4 {
		where := strings.Join(names[:min(len(names), 5)], ", ")
		if len(names) > 5 {
			where += ", ..."
		}
		found = append(found, Evidence{What: "interfaces of containers or virtual machines", Value: fmt.Sprint(len(names)), Where: where})
	}
	return found
}

// forwardChanges switch forwarding on, and say who switched it off.
func (f *Facts) forwardChanges(off []string) []Change {
	var changes []Change
	for _, key := range off {
		why := "packets that come to be forwarded are dropped while it is 0"
		var lines []Change
		line, on, inFile := f.fileForwards(key)
		switch {
		case inFile && on:
			why += fmt.Sprintf("; %s says 1, so that something has set it to 0 since boot, and may do so again: look for sysctl in the scripts of the firewall, the VPN and the network", line)
		case inFile:
			why += fmt.Sprintf("; %s sets it to 0", line)
			lines = f.withoutOff(key)
		case f.hasFiles():
			why += "; no sysctl file sets it, and the kernel's own is 0: a container engine that had set 1 does so only when it starts"
		}
		changes = append(append(changes, set(key, 1, why)), lines...)
	}
	return changes
}

// withoutOff takes out of the files what switches forwarding off, by any of its names.
func (f *Facts) withoutOff(key string) []Change {
	names := []string{key}
	if key == ipForward {
		names = append(names, allForward4)
	}
	var changes []Change
	for _, name := range names {
		changes = append(changes, f.commentOut(name, "1", "else it is set again at the next boot, or by the next sysctl --system")...)
	}
	return changes
}

// asked makes changes that set a sysctl depend on the answer to a question.
func asked(changes []Change, question string) []Change {
	for i := range changes {
		changes[i] = changes[i].ask(question)
	}
	return changes
}

// isRouter is the question where nothing says it.
const isRouter = "is this machine to forward packets, as a router or for containers and virtual machines behind it? Else the senders' routes are wrong"
