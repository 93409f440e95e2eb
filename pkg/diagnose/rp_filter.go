// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Values of rp_filter.
const (
	rpStrict = 1
	rpLoose  = 2
)

// rpFilter is the reverse path filter of each interface as the kernel applies it:
// the larger of conf.all and conf.INTERFACE (include/linux/inetdevice.h:
// IN_DEV_RPFILTER).
type rpFilter struct {
	allKnown bool // conf.all
	strict   []string
	loose    []string
	// noneStrict says that no interface has a strict filter, those unknown included.
	noneStrict bool
}

func (f *Facts) rpFilter() rpFilter {
	var r rpFilter
	all, known := f.number(rpKey("all"))
	r.allKnown = known
	for _, key := range slices.Sorted(maps.Keys(f.Space.Sysctls)) {
		name, ok := interfaceOf(key, "rp_filter")
		own, err := strconv.ParseUint(f.Space.Sysctls[key], 10, 64)
		if !ok || err != nil {
			continue
		}
		switch max(all, own) {
		case rpStrict:
			r.strict = append(r.strict, name)
		case rpLoose:
			r.loose = append(r.loose, name)
		}
	}
	r.noneStrict = all == rpLoose || len(r.strict) == 0 && len(r.loose) > 0
	return r
}

// rpKey is the key of an interface's filter.
func rpKey(name string) string { return "net.ipv4.conf." + separators.Replace(name) + ".rp_filter" }

// interfaceOf is the interface of which a key names one sysctl of net.ipv4.conf. Clients
// do not come in on lo.
func interfaceOf(key, sysctl string) (string, bool) {
	path := sysctlPath(key)
	if len(path) != 5 || !slices.Equal(path[:3], []string{"net", "ipv4", "conf"}) || path[4] != sysctl || !isSysctl(key) {
		return "", false
	}
	name := path[3]
	return name, name != "all" && name != "default" && name != "lo"
}

func reversePath(f *Facts) *Finding {
	n := f.sum("TcpExtIPReversePathFilter")
	if n == 0 {
		return nil
	}
	r := f.rpFilter()
	x := &Finding{
		Severity: f.severityOf(n), Title: "packets were dropped by the reverse path filter",
		Evidence: append(f.counted("TcpExtIPReversePathFilter"), f.rpEvidence(&r)...),
		Changes: []Change{do("see whose they are and where they come in: synwatch trace --cause reverse-path-filter; or net.ipv4.conf.all.log_martians=1 for a while, which has the kernel log both",
			"spoofed addresses are what the filter is for; if they are real clients, their route back is by another interface")},
	}
	if r.noneStrict {
		x.Title = "packets were dropped by the reverse path filter: there is no route back to where they come from"
		x.Means = "clients to whose addresses no route leads get no answer at all"
		x.Changes[0].Why = "the filter is loose, and any route back would do: these addresses have none, as spoofed ones, or for want of a route"
		x.Changes = append(x.Changes, do("add the route back if they are real clients: ip route get ADDRESS says what there is", "a looser filter would let them in, and the answers would still have no way"))
		return x
	}
	x.Changes = append(x.Changes, f.rpChanges(&r)...)
	return x
}

// rpChanges loosens the filter of the interface that the packets came in on. Which
// one that is no counter tells, so that it is named only where there is no other.
func (f *Facts) rpChanges(r *rpFilter) []Change {
	const why = "loose: any route back will do; only for the interface that such clients come in on"
	switch {
	case len(r.strict) == 0:
		return nil
	case len(r.strict) == 1 && len(r.loose) == 0 && r.allKnown:
		return []Change{set(rpKey(r.strict[0]), rpLoose, why+", and no other has a filter")}
	case len(r.strict) == 1:
		return []Change{set(rpKey(r.strict[0]), rpLoose, why).ask(fmt.Sprintf("is it %s that they come in on, and are they real clients?", r.strict[0]))}
	}
	return []Change{do("set net.ipv4.conf.INTERFACE.rp_filter to 2 for the one that it is", why).
		ask("which interface do they come in on, and are they real clients? " + strings.Join(r.strict, ", ") + " have a strict filter")}
}

// rpEvidence shows the filter of all and the interfaces that have one.
func (f *Facts) rpEvidence(r *rpFilter) []Evidence {
	found := f.inForce(rpKey("all"))
	for _, kind := range []struct {
		what  string
		names []string
	}{{"interfaces with a strict filter", r.strict}, {"interfaces with a loose filter", r.loose}} {
		switch len(kind.names) {
		case 0:
		case 1:
			found = append(found, f.inForce(rpKey(kind.names[0]))...)
		default:
			found = append(found, Evidence{What: kind.what, Value: fmt.Sprint(len(kind.names)), Where: strings.Join(kind.names, ", ")})
		}
	}
	return found
}
