// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"fmt"

	"github.com/synwatch/synwatch/pkg/text"
)

var traceStrayRules = []Rule{
	{
		ID: "traced-stray-segments", Scope: Trace, Causes: []string{"no-listener"},
		When:  "most drops of no-listener were of segments that are no SYNs",
		Means: "a connection that one side holds open does not exist for the other: it is answered with a RST, and reads \"connection reset by peer\"",
		Find:  tracedStraySegments,
	},
	{
		ID: "traced-after-refusal", Scope: Trace, Causes: []string{"stray-ack"},
		When:  "most drops of stray-ack were of sources that the same listener's full accept queue refused",
		Means: afterRefusalMeans,
		Find:  tracedAfterRefusal,
	},
}

// firstEphemeral is where the ports of a host's own connections begin
// (net/ipv4/af_inet.c:inet_init_net, net.ipv4.ip_local_port_range).
const firstEphemeral = 32768

// straySegments says whether most of what met no socket was TCP and no SYN: it did not
// ask for a service.
func (t *Tally) straySegments() bool {
	return t.Cause.ID == "no-listener" && t.Busiest.isTCP() && t.Others > 0 && most(t.Others, t.BusiestCount)
}

func tracedStraySegments(f *Facts) *Finding {
	t := f.Tally
	if !t.straySegments() {
		return nil
	}
	x := &Finding{
		Severity: Note, Title: fmt.Sprintf("segments of connections that are not known came to port %d", t.Busiest.Port),
		Evidence: append(t.tallyEvidence(), Evidence{What: "that are no SYNs", Value: fmt.Sprint(t.Others), Where: percent(t.Others, t.BusiestCount)}),
	}
	if t.Count >= rangeLeast {
		x.Severity = Warning
	}
	why := "none of them asks for a service, so that a listener would not help"
	if t.Busiest.Port >= firstEphemeral {
		why = fmt.Sprintf("port %d is one that a host's own connections take (net.ipv4.ip_local_port_range): these look like answers whose address was not translated back, which a listener would not help", t.Busiest.Port)
	}
	x.Changes = []Change{
		do("look for NAT or connection tracking on the way that lost the connections, or found their packets invalid (conntrack -S there: invalid; net.netfilter.nf_conntrack_tcp_be_liberal)", why),
		do("where there is none, see whether the connections ended here before: the application closed them, or the machine was started anew", "what the other side then sends finds no socket, either"),
	}
	return x
}

const afterRefusalMeans = "what a full accept queue means: clients believe themselves connected, and read \"connection reset by peer\" when they go on"

// afterRefusal is how many of a tally are of sources that the full accept queue of
// the same listener refused in the same trace.
func (t *Tally) afterRefusal() uint64 {
	var n uint64
	if t.refused == nil {
		return 0
	}
	for src, count := range t.BySource {
		if t.refused.BySource[src] > 0 {
			n += count
		}
	}
	return n
}

// follows is the finding of ACKs that a full accept queue is the cause of: the ACK
// that ended a handshake was dropped, and what the client sent then carries no cookie,
// or one that is too old. Nil where most of them are of others.
func (t *Tally) follows(what string) *Finding {
	n := t.afterRefusal()
	if n == 0 || !most(n, t.Count) {
		return nil
	}
	return &Finding{
		Severity: Note, Title: fmt.Sprintf("%s came to %s of clients that its full accept queue had refused", what, t.who()), Means: afterRefusalMeans,
		Evidence: append(t.tallyEvidence(), Evidence{What: "from sources that it refused", Value: fmt.Sprint(n), Where: percent(n, t.Count)}),
		Changes: []Change{do("see to the full accept queue of "+t.who()+" (traced-accept-queue-full)",
			fmt.Sprintf("%s were dropped for it; whose last ACK was among them goes on as if connected, and that ends here: neither the clients nor a NAT are to blame", text.Count(t.refused.Count, "packet")))},
	}
}

func tracedAfterRefusal(f *Facts) *Finding { return f.Tally.follows("stray ACKs") }
