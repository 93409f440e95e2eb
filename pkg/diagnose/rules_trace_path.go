// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"fmt"

	"github.com/synwatch/synwatch/pkg/event"
)

func tracedConntrack(f *Facts) *Finding {
	t := f.Tally
	x := &Finding{Severity: Critical, Title: "the connection tracking table is full", Evidence: t.tallyEvidence()}
	if t.passes() || len(t.ByDirection) > 1 {
		x.Evidence = t.wayEvidence()
	}
	switch {
	case most(t.ByDirection[event.Forward], t.Count):
		x.Title, x.Means = x.Title+", and what this machine forwards is refused", gatewayMeans
	case most(t.ByDirection[event.Out], t.Count):
		x.Title += ", and what this machine sends itself is refused"
	}
	f.lookAtTable()
	if who := largestHolder(f.Space.Holders); who != "" {
		x.Title += ": " + who
	}
	x.Evidence = append(append(x.Evidence, f.tableEvidence()...), holderEvidence(f.Space.Holders)...)
	x.Evidence = append(x.Evidence, f.timeoutEvidence()...)
	if r := t.mostlyFrom(); r != "" && f.Space.Holders == nil {
		x.Changes = []Change{do("talk to the operators of "+r+", or limit it (nft: ct count over N drop)",
			"most of what was refused came from there, and it is likely to hold most of the table as well, so that a larger one would fill, too")}
	}
	x.Changes = append(append(x.Changes, f.holderChanges()...), f.largerTable()...)
	return x
}

// lookAtTable takes what is known of the table of a trace: how full it was when
// it was met, and what it held when it was looked at.
func (f *Facts) lookAtTable() {
	f.Space.Sysctls = map[string]string{}
	if table := f.Tally.Seen.Table; table != nil {
		f.Space.Holders = table.Holders
		if f.Space.Enter == nil {
			f.Space.Enter = table.Enter
		}
		for name, n := range table.Sysctls {
			f.Space.Sysctls["net.netfilter."+name] = fmt.Sprint(n)
		}
	}
	if c := f.Tally.Answer.Conntrack; c != nil {
		f.Space.Sysctls[ctCount], f.Space.Sysctls[ctMax], f.Space.Sysctls[ctBuckets] = fmt.Sprint(c.Count), fmt.Sprint(c.Max), fmt.Sprint(c.Buckets)
	}
}

func tracedTimestamps(f *Facts) *Finding {
	t := f.Tally
	x := &Finding{Severity: Warning, Title: "packets are rejected for old TCP timestamps", Evidence: t.tallyEvidence()}
	who := t.mostlyFrom()
	if who == "" {
		x.Changes = []Change{do("see whether the sources are NATs", "machines behind one address have clocks of their own; keep "+timestamps+" on")}
		return x
	}
	x.Title += ", mostly of " + who
	x.Changes = []Change{do("give the NAT at "+who+" more ports or addresses, so that it does not give one out again within a minute",
		"machines behind it have clocks of their own; keep "+timestamps+" on")}
	return x
}
