// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"fmt"
	"time"

	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/host"
)

// A flood is known by its many sources that try once or twice: a client that
// gets no answer tries seven times.
const (
	floodSources = 1000
	floodTries   = 3
)

var traceRules = []Rule{
	{
		ID: "traced-accept-queue-full", Scope: Trace, Causes: []string{"accept-queue-full"},
		When:  "drops of accept-queue-full were traced",
		Means: "clients' connect() hangs for 1, 3, 7 ... s; some believe themselves connected and get no answer",
		Find:  tracedAcceptQueue,
	},
	{
		ID: "traced-syn-queue", Scope: Trace, Causes: []string{"syn-queue-full", "syn-backlog-reserved", "syn-cookie-sent"},
		When:  "drops of syn-queue-full or syn-backlog-reserved, or notices of syn-cookie-sent, were traced",
		Means: "with cookies off clients' connect() hangs; with cookies they get through, some of them slower",
		Find:  tracedSynQueue,
	},
	{
		ID: "traced-conntrack-full", Scope: Trace, Causes: []string{"conntrack-table-full"},
		When:  "drops of conntrack-table-full were traced",
		Means: conntrackMeans,
		Find:  tracedConntrack,
	},
	{
		ID: "traced-timestamps", Scope: Trace, Causes: []string{"paws-established", "paws-time-wait", "paws-handshake"},
		When:  "drops of paws-established, paws-time-wait or paws-handshake were traced",
		Means: "connect() hangs or a connection stalls for machines that share an address behind a NAT and whose clocks of TCP timestamps are behind another's",
		Find:  tracedTimestamps,
	},
	{
		ID: "traced-one-range", Scope: Trace,
		When:  "of any other cause one range or one client has at least four fifths of the drops, of at least 100",
		Means: "it is this range's clients that are turned away, and few others",
		Find:  tracedRange,
	},
}

// rate is in words.
func rate(n uint64, d time.Duration) string {
	if d <= 0 {
		return ""
	}
	perSecond := float64(n) / d.Seconds()
	if perSecond < 10 {
		return fmt.Sprintf("%.1f a second", perSecond)
	}
	return fmt.Sprintf("%.0f a second", perSecond)
}

// seen is what every finding of a trace rests on.
func (t *Tally) seen() []Evidence {
	what := t.Cause.ID
	found := []Evidence{{What: what, Value: fmt.Sprint(t.Count), Where: rate(t.Count, t.Duration)}}
	found = append(found, value("sources", uint64(len(t.BySource))))
	if r := Covering(t.BySource, t.Count); r != nil {
		found = append(found, Evidence{What: "from " + r.Prefix.String(), Value: fmt.Sprint(r.Count), Where: fmt.Sprintf("%s, %s", percent(r.Count, t.Count), count(r.Sources, "source"))})
	} else if addr, n := t.chief(); n > 0 {
		found = append(found, Evidence{What: "from " + addr, Value: fmt.Sprint(n), Where: percent(n, t.Count)})
	}
	if t.Accepted != nil {
		found = append(found, Evidence{What: "connections accepted meanwhile", Value: fmt.Sprint(*t.Accepted), Where: rate(*t.Accepted, t.Duration) + ", on all ports"})
	}
	return found
}

// chief is the client that has four fifths of it alone, if one has.
func (t *Tally) chief() (string, uint64) {
	for addr, n := range t.BySource {
		if most(n, t.Count) && addr.IsValid() {
			return addr.String(), n
		}
	}
	return "", 0
}

// blamed is the range or the client that has most of it, empty for none.
func (t *Tally) blamed() string {
	if r := Covering(t.BySource, t.Count); r != nil {
		return r.Prefix.String()
	}
	addr, _ := t.chief()
	return addr
}

func (t *Tally) floods() bool {
	n := uint64(len(t.BySource))
	return n >= floodSources && t.Count < n*floodTries
}

// listener is the one that was met, with the queue as it was.
func (t *Tally) listener() host.ListenerQueue {
	l := host.ListenerQueue{}
	if t.Answer.Listener != nil {
		l.Process = t.Answer.Listener.Process
	}
	if e := t.state(); e != nil {
		l.Waiting, l.Limit = e.AcceptQueue, &e.AcceptQueueMax
	}
	return l
}

func (t *Tally) state() *event.Listener {
	if t.Evidence == nil {
		return nil
	}
	return t.Evidence.Listener
}

func (t *Tally) who() string {
	if l := t.Answer.Listener; l != nil && l.PID != 0 {
		return fmt.Sprintf("%s[%d] on port %d", l.Comm, l.PID, t.Busiest.Port)
	}
	return fmt.Sprintf("the listener on port %d", t.Busiest.Port)
}

func tracedAcceptQueue(f *Facts) *Finding {
	t := f.Tally
	x := &Finding{Severity: Critical, Evidence: t.seen()}
	if e := t.state(); e != nil {
		x.Evidence = append(x.Evidence, Evidence{What: "accept queue", Value: fmt.Sprint(e.AcceptQueue), Where: fmt.Sprintf("limit %d", e.AcceptQueueMax)},
			value(somaxconn, uint64(e.Somaxconn)))
		f.Space.Sysctls = map[string]string{somaxconn: fmt.Sprint(e.Somaxconn)}
	}
	l := t.listener()
	switch {
	case t.Accepted != nil && *t.Accepted == 0 && t.Duration >= stillness:
		x.Title = t.who() + " has stopped accepting"
		x.Changes = []Change{do(fmt.Sprintf("find out why %s does not accept, or restart it", t.who()),
			"nothing at all was accepted in the namespace while these were dropped: a longer queue would only fill later")}
		return x
	case t.floods():
		x.Title = t.who() + " is flooded with connections"
		x.Changes = []Change{do("limit new connections before they reach it, by source or by range (nft: ct count, limit rate), or take a load balancer in front",
			fmt.Sprintf("%d sources that try once or twice each are no clients that wait; they complete the handshake, so that SYN cookies do not help", len(t.BySource)))}
	default:
		x.Title = t.who() + " accepts more slowly than connections come"
		x.Changes = []Change{do("make the application accept faster: more threads or processes in accept(2), less work between two calls", t.pace())}
	}
	if l.Limit != nil {
		x.Changes = append(x.Changes, f.longer(uint64(*l.Limit))...)
	}
	return x
}

// pace sets what came against what was accepted.
func (t *Tally) pace() string {
	if t.Accepted == nil {
		return "the queue is emptied too slowly; a longer one only helps against bursts"
	}
	return fmt.Sprintf("%s were accepted and %s were dropped, the clients' repeated tries among them; a longer queue only helps against bursts",
		rate(*t.Accepted, t.Duration), rate(t.Count, t.Duration))
}

func tracedSynQueue(f *Facts) *Finding {
	t := f.Tally
	x := &Finding{Severity: Critical, Title: "the queue of half-open requests of " + t.who() + " is full", Evidence: t.seen()}
	notice := t.Cause.Kind == cause.Notice
	if notice {
		x.Severity, x.Title = Note, "SYN cookies stand in for the full queue of "+t.who()
	}
	if t.floods() {
		x.Title = t.who() + " meets a SYN flood"
	}
	if !notice {
		x.Changes = append(x.Changes, set(synCookies, 1, "then the queue may be full and clients still get through"))
	}
	e := t.state()
	if e == nil || t.floods() {
		return x
	}
	x.Evidence = append(x.Evidence, Evidence{What: "half-open requests", Value: fmt.Sprint(e.SynQueue), Where: fmt.Sprintf("limit %d", e.AcceptQueueMax)})
	if t.Cause.Evidence.Has(cause.SynBacklog) {
		x.Evidence = append(x.Evidence, value(synBacklog, uint64(e.MaxSynBacklog)))
		x.Changes = append(x.Changes, set(synBacklog, min(2*powerAbove(uint64(e.MaxSynBacklog)), 65536), "cookies off, its last quarter is for known clients only"))
		return x
	}
	f.Space.Sysctls = map[string]string{somaxconn: fmt.Sprint(e.Somaxconn)}
	x.Changes = append(x.Changes, f.longer(uint64(e.AcceptQueueMax))...)
	return x
}

func tracedConntrack(f *Facts) *Finding {
	t := f.Tally
	x := &Finding{Severity: Critical, Title: "the connection tracking table is full", Evidence: t.seen()}
	if c := t.Answer.Conntrack; c != nil {
		f.Space.Sysctls = map[string]string{ctCount: fmt.Sprint(c.Count), ctMax: fmt.Sprint(c.Max), ctBuckets: fmt.Sprint(c.Buckets)}
		x.Evidence = append(x.Evidence, f.tableEvidence()...)
	}
	if r := t.blamed(); r != "" {
		x.Changes = []Change{do("talk to the operators of "+r+", or limit it (nft: ct count over N drop)",
			"most of what was refused came from there, and it is likely to hold most of the table as well, so that a larger one would fill, too: see synwatch conntrack"), f.shorterTimeout()}
	} else {
		x.Changes = f.whoHolds()
	}
	x.Changes = append(x.Changes, f.largerTable()...)
	return x
}

func tracedTimestamps(f *Facts) *Finding {
	t := f.Tally
	x := &Finding{Severity: Warning, Title: "packets are rejected for old TCP timestamps", Evidence: t.seen()}
	who := t.blamed()
	if who == "" {
		x.Changes = []Change{do("see whether the sources are NATs", "machines behind one address have clocks of their own; keep "+timestamps+" on")}
		return x
	}
	x.Title += ", mostly of " + who
	x.Changes = []Change{do("give the NAT at "+who+" more ports or addresses, so that it does not give one out again within a minute",
		"machines behind it have clocks of their own; keep "+timestamps+" on")}
	return x
}

// rangeLeast is how many drops of any cause make a range worth a word.
const rangeLeast = 100

func tracedRange(f *Facts) *Finding {
	t := f.Tally
	if t.Count < rangeLeast || t.blamed() == "" {
		return nil
	}
	return &Finding{
		Severity: Warning, Title: fmt.Sprintf("%s is mostly of %s", t.Cause.ID, t.blamed()), Evidence: t.seen(),
		Changes: []Change{do(t.Cause.Fix, t.Cause.Meaning)},
	}
}
