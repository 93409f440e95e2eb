// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"fmt"

	"github.com/synwatch/synwatch/pkg/event"
	"golang.org/x/sys/unix"
)

const dnsPort = 53

// translated says whether source NAT was choosing the source of what could not be
// inserted.
func (t *Tally) translated() bool {
	return 2*t.Translated >= t.BusiestCount && t.Translated > 0 || t.Translated == 0 && t.sourceNAT() != nil
}

func (t *Tally) sourceNAT() *event.SourceNAT {
	if t.Evidence == nil {
		return nil
	}
	return t.Evidence.SourceNAT
}

// isDNS says whether it is mostly queries by UDP.
func (t *Tally) isDNS() bool { return t.Busiest.Proto == unix.IPPROTO_UDP && t.Busiest.Port == dnsPort }

// tracedClash is about entries that could not be inserted: another had their addresses
// and ports. Source NAT takes a port that is in use where it finds no other (net/
// netfilter/nf_nat_core.c:nf_nat_l4proto_unique_tuple), and one that was free a moment
// ago where two choose at once.
func tracedClash(f *Facts) *Finding {
	t := f.Tally
	to := t.Busiest.String()
	x := &Finding{Severity: t.severity(), Evidence: t.wayEvidence()}
	f.lookAtSpace()
	if t.translated() {
		x.Evidence = append(x.Evidence, t.natEvidence()...)
	}
	switch {
	case t.isDNS():
		x.Title = "DNS queries to " + to + " were dropped: two of one socket wanted the same connection tracking entry"
		x.Means = "the resolver waits for its timeout, five seconds as a rule, for each query that is lost: names take seconds, now and then"
		x.Changes = dnsChanges()
		if t.translated() {
			for _, c := range t.natChanges() {
				x.Changes = append(x.Changes, c.ask("do many clients ask this server through one address of source NAT, so that its ports may be used up?"))
			}
		}
	case t.translated():
		x.Title = "source NAT has no free port for " + protocolOf(&t.Busiest) + to + t.ofWhom()
		x.Severity = max(x.Severity, Warning)
		x.Means = "new connections to this destination hang in connect(), or come about at a later try; those to others work"
		x.Changes = append(t.natChanges(), do("have the clients keep connections open and use them again (keep-alive, pools)", "the entry of a connection that is closed keeps its port for net.netfilter.nf_conntrack_tcp_timeout_time_wait, two minutes as a rule"))
	case t.Cause.ID == "conntrack-insert-failed":
		x.Title = "connection tracking entries for " + to + " could not be inserted" + t.ofWhom()
		x.Changes = []Change{do(t.Cause.Fix, t.Cause.Meaning)}
	default:
		x.Title = "packets to " + to + " wanted connection tracking entries that others had" + t.ofWhom()
		x.Changes = []Change{
			do("find what gives two connections the same addresses and ports, or has the first packet of one pass twice: destination NAT to several endpoints for packets of one socket, IPVS, a bridge with br_netfilter, two ways for one packet; conntrack -E -e NEW shows the entries as they are made",
				t.Cause.Meaning),
			do("or do not track them: a notrack rule in a chain of priority raw", "what has no entry cannot clash; it cannot be translated either"),
		}
	}
	return x
}

func protocolOf(p *Place) string {
	if p.isTCP() {
		return "tcp "
	}
	return "" // its address has it
}

// natEvidence is what source NAT had to choose from, and what it chose.
func (t *Tally) natEvidence() []Evidence {
	var found []Evidence
	if t.Translated > 0 {
		found = append(found, Evidence{What: "translated by source NAT", Value: fmt.Sprint(t.Translated), Where: percent(t.Translated, t.BusiestCount)})
	}
	nat := t.sourceNAT()
	if nat == nil {
		return found
	}
	if nat.Chosen.IsValid() {
		found = append(found, Evidence{What: "source NAT had chosen", Value: nat.Chosen.String()})
	}
	if n := portsOf(nat); n > 0 {
		from := nat.First.Addr().String()
		if nat.Last.Addr() != nat.First.Addr() {
			from += "-" + nat.Last.Addr().String()
		}
		ports := fmt.Sprintf("%d ports for each destination and protocol", n)
		if nat.First.Port() != 0 {
			ports = fmt.Sprintf("%d-%d: %s", nat.First.Port(), nat.Last.Port(), ports)
		}
		found = append(found, Evidence{What: "of", Value: from, Where: ports})
	}
	return found
}

// natChanges give source NAT more to choose from, first of all more ports where its
// rule has few.
func (t *Tally) natChanges() []Change {
	changes := natChanges()
	n := portsOf(t.sourceNAT())
	if n == 0 || n >= allPorts {
		return changes
	}
	return append([]Change{do("let it choose from more ports: 1024-65535 in its rule, or none named", fmt.Sprintf("its range has %d; an address has %d for each protocol, destination address and port", n, allPorts))}, changes[1], changes[0])
}
