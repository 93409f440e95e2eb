// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"fmt"
	"maps"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/synwatch/synwatch/pkg/conntrack"
	"github.com/synwatch/synwatch/pkg/enrich"
	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/proc"
	"github.com/synwatch/synwatch/pkg/sockets"
)

// tally is 4000 drops, half of each of two far sources, in 10 s.
func tally(id string) Tally {
	c, _ := cause.Lookup(id)
	return Tally{
		Cause: c, Count: 4000, Duration: 10 * time.Second, Busiest: Place{Own: true, Port: 443}, BusiestCount: 4000,
		BySource: map[netip.Addr]uint64{netip.MustParseAddr("192.0.2.1"): 2000, netip.MustParseAddr("10.0.0.1"): 2000},
	}
}

func from(network string, n int, each uint64) func(*Tally) {
	return func(t *Tally) {
		t.BySource, t.Count = map[netip.Addr]uint64{}, 0
		for i := range n {
			t.BySource[netip.MustParseAddr(fmt.Sprintf(network, i/250, i%250))] = each
			t.Count += each
		}
	}
}

// of is how many of the busiest place's were answered with a RST or were no SYNs.
func of(port uint16, resets, others uint64) func(*Tally) {
	return func(t *Tally) { t.Busiest.Port, t.BusiestCount, t.Resets, t.Others = port, t.Count, resets, others }
}

func accepted(n uint64) func(*Tally) { return func(t *Tally) { t.Accepted = &n } }
func met(l event.Listener) func(*Tally) {
	return func(t *Tally) {
		t.Evidence = &event.Evidence{Listener: &l}
		t.Answer.Listener = &enrich.Listener{Port: 443, Process: proc.Process{PID: 812, Comm: "nginx"}}
	}
}

func tracked(c conntrack.Usage) func(*Tally) { return func(t *Tally) { t.Answer.Conntrack = &c } }

func waits(n int, newest time.Duration) func(*Tally) {
	return func(t *Tally) {
		t.Seen.Waiting = &sockets.Waiting{Connections: n, Newest: newest}
	}
}

// shares has one of several listeners be full, and so many others have its address.
func shares(others int, newest time.Duration) func(*Tally) {
	return func(t *Tally) {
		full := listener(17, 16, 0)
		full.Process = proc.Process{PID: 900, Comm: "worker"}
		w := sockets.Waiting{Full: &full, Sharing: others}
		if newest > 0 {
			w.Connections, w.Newest = 17, newest
		}
		t.Seen.Waiting = &w
	}
}

// holding is a table that somebody holds, as it was read in a named namespace.
func holding(prefix string) func(*Tally) {
	return func(t *Tally) {
		var f Facts
		heldBy(prefix)(&f)
		t.Seen.Table = &conntrack.NetnsTable{
			Enter: []string{"ip", "netns", "exec", "web"}, Holders: f.Space.Holders, Sysctls: map[string]uint32{"nf_conntrack_tcp_timeout_established": 432000},
		}
	}
}

// tracedRow is what a trace counted of a cause, and what is found; as in rows.
type tracedRow struct {
	cause string
	with  []func(*Tally)
	want  string
	says  []string
}

func TestTraced(t *testing.T) {
	fired := map[string]bool{}
	queue := met(event.Listener{AcceptQueue: 129, AcceptQueueMax: 128, Somaxconn: 4096})
	cut := met(event.Listener{AcceptQueue: 129, AcceptQueueMax: 128, Somaxconn: 128})
	tests := map[string]tracedRow{
		"slow accept": {"accept-queue-full", []func(*Tally){queue, accepted(500)}, "critical traced-accept-queue-full",
			[]string{"nginx[812] on port 443 accepts more slowly", "50 a second were accepted and 400 a second were dropped", "backlog of 128 binds, not somaxconn (4096)"}},
		"slow accept, cut off": {"accept-queue-full", []func(*Tally){cut, accepted(500)}, "critical traced-accept-queue-full",
			[]string{"sysctl -w net.core.somaxconn=4096"}},
		"in another namespace": {"accept-queue-full", []func(*Tally){cut, func(t *Tally) { t.Busiest.Own = false }}, "critical traced-accept-queue-full",
			[]string{"nsenter -t 812 -n sysctl -w net.core.somaxconn=4096"}},
		"stopped": {"accept-queue-full", []func(*Tally){cut, accepted(0)}, "critical traced-accept-queue-full",
			[]string{"has stopped accepting", "!somaxconn=", "!listen(2) backlog to"}},
		"stopped, while others accept": {"accept-queue-full", []func(*Tally){cut, accepted(500), waits(129, 8*time.Second)}, "critical traced-accept-queue-full",
			[]string{"has stopped accepting", "nothing was accepted from it for 8s", "!somaxconn=", "!listen(2) backlog to"}},
		"stopped, one of two that share the port": {"accept-queue-full", []func(*Tally){queue, accepted(500), shares(1, 8*time.Second)}, "critical traced-accept-queue-full",
			[]string{"worker[900] on port 443, one of 2 sockets that share the port, has stopped accepting", "nothing was accepted from it for 8s", "!nginx[812]", "!somaxconn=", "!listen(2) backlog to"}},
		"stopped, one of two that share the port, for an unknown time": {"accept-queue-full", []func(*Tally){queue, accepted(500), shares(1, 0)}, "critical traced-accept-queue-full",
			[]string{"worker[900] on port 443, one of 2", "17 wait in its queue of 16", "!for 0s", "!listen(2) backlog to"}},
		"full, beside another on another address": {"accept-queue-full", []func(*Tally){queue, accepted(500), shares(0, 0)}, "critical traced-accept-queue-full",
			[]string{"accepts more slowly", "!worker[900]"}},
		"slow, with a queue that moves": {"accept-queue-full", []func(*Tally){queue, accepted(500), waits(129, time.Second)}, "critical traced-accept-queue-full",
			[]string{"accepts more slowly", "!has stopped"}},
		"slow, with a queue that has room at the end": {"accept-queue-full", []func(*Tally){queue, accepted(500), waits(128, 8*time.Second)}, "critical traced-accept-queue-full",
			[]string{"accepts more slowly", "!has stopped"}},
		"too short to say": {"accept-queue-full", []func(*Tally){queue, accepted(0), func(t *Tally) { t.Duration = time.Second }}, "critical traced-accept-queue-full",
			[]string{"accepts more slowly", "!has stopped"}},
		"no details": {"accept-queue-full", nil, "critical traced-accept-queue-full", []string{"the listener on port 443 accepts more slowly", "!accepted meanwhile"}},
		"answers that were not translated back": {"no-listener", []func(*Tally){of(60000, 0, 4000)}, "warning traced-stray-segments",
			[]string{"port 60000", "not translated back", "be_liberal", "!check that the service", "that are no SYNs 4000"}},
		"segments for a service that forgot them": {"no-listener", []func(*Tally){of(443, 0, 4000)}, "warning traced-stray-segments", []string{"the machine was started anew", "!not translated back"}},
		"a few such segments":                     {"no-listener", []func(*Tally){from("198.51.%d.%d", 1, 5), of(60000, 0, 5)}, "note traced-stray-segments", nil},
		"SYNs for a service that is not there":    {"no-listener", []func(*Tally){from("198.51.%d.%d", 1, 400), of(443, 400, 4)}, "warning traced-one-range", []string{"check that the service runs"}},
		"resets for a full accept queue": {"accept-queue-full", []func(*Tally){queue, accepted(500), of(443, 4000, 4000)}, "critical traced-accept-queue-full",
			[]string{"connection reset by peer", "!connect() hangs", "sysctl -w net.ipv4.tcp_abort_on_overflow=0"}},
		"stray ACKs of one client": {"stray-ack", []func(*Tally){from("198.51.%d.%d", 1, 400)}, "warning traced-one-range", nil},
		"flood of connections": {"accept-queue-full", []func(*Tally){queue, accepted(500), from("10.%d.3.%d", 2000, 1)}, "critical traced-accept-queue-full",
			[]string{"flooded", "2000 sources that try once or twice", "from 10.0.0.0/13"}},
		"many sources, most of them accepted": {"accept-queue-full", []func(*Tally){queue, accepted(5000), from("10.%d.3.%d", 2000, 1)}, "critical traced-accept-queue-full",
			[]string{"accepts more slowly", "!flooded"}},
		"bursts": {"accept-queue-full", []func(*Tally){cut, accepted(1e6)}, "critical traced-accept-queue-full",
			[]string{"meets bursts that its accept queue is too short for", "sysctl -w net.core.somaxconn=4096"}},
		"SYN flood": {"syn-queue-full", []func(*Tally){queue, from("10.%d.3.%d", 2000, 1)}, "critical traced-syn-queue",
			[]string{"meets a SYN flood", "tcp_syncookies=1", "!backlog of"}},
		"a short request queue": {"syn-queue-full", []func(*Tally){cut}, "critical traced-syn-queue", []string{"tcp_syncookies=1", "somaxconn=4096"}},
		"the reserve": {"syn-backlog-reserved", []func(*Tally){met(event.Listener{SynQueue: 90, AcceptQueueMax: 4096, MaxSynBacklog: 128})}, "critical traced-syn-queue",
			[]string{"tcp_max_syn_backlog=256"}},
		"the reserve of a very large backlog": {"syn-backlog-reserved", []func(*Tally){met(event.Listener{SynQueue: 90, AcceptQueueMax: 4096, MaxSynBacklog: 200000})}, "critical traced-syn-queue",
			[]string{"!tcp_max_syn_backlog="}},
		"cookies": {"syn-cookie-sent", []func(*Tally){queue}, "note traced-syn-queue", []string{"sent in place of", "!tcp_syncookies=1"}},
		"a full table": {"conntrack-table-full", []func(*Tally){tracked(conntrack.Usage{Count: 262144, Max: 262144, Buckets: 65536})}, "critical traced-conntrack-full",
			[]string{"100 % of 262144", "nf_conntrack_max=524288", "synwatch conntrack"}},
		"a full table and one range": {"conntrack-table-full", []func(*Tally){tracked(conntrack.Usage{Count: 262144, Max: 262144, Buckets: 65536}), from("198.51.%d.%d", 20, 200)}, "critical traced-conntrack-full",
			[]string{"talk to the operators of 198.51.0.0/28", "are most of the entries ESTABLISHED?", "nf_conntrack_max=524288"}},
		"a full table that others hold": {"conntrack-table-full", []func(*Tally){tracked(conntrack.Usage{Count: 262144, Max: 262144, Buckets: 65536}), holding("203.0.113.0/24")}, "critical traced-conntrack-full",
			[]string{"full: 203.0.113.0/24 holds 90 % of it, tcp ESTABLISHED", "ip netns exec web conntrack -D -f ipv4 -s 203.0.113.0/24 -p tcp --state ESTABLISHED",
				"talk to the operators of 203.0.113.0/24", "!see who holds", "ip netns exec web sysctl -w net.netfilter.nf_conntrack_tcp_timeout_established=86400", " sysctl -w net.netfilter.nf_conntrack_max=524288", "!web sysctl -w net.netfilter.nf_conntrack_max"}},
		"a full table that others hold than are refused": {"conntrack-table-full", []func(*Tally){from("198.51.%d.%d", 20, 200), holding("203.0.113.0/24")}, "critical traced-conntrack-full",
			[]string{"from 198.51.0.0/28", "talk to the operators of 203.0.113.0/24", "!talk to the operators of 198.51"}},
		"invalid cookies of a NAT": {"syn-cookie-invalid", []func(*Tally){queue, func(t *Tally) { t.BySource = map[netip.Addr]uint64{netip.MustParseAddr("192.0.2.1"): 3900} }}, "warning traced-cookies-invalid",
			[]string{"nginx[812] on port 443", "mostly of 192.0.2.1", "the connections of 192.0.2.1"}},
		"invalid cookies of many": {"syn-cookie-invalid", nil, "warning traced-cookies-invalid", []string{"the connections of the sources", "!mostly of"}},
		"a flood of ACKs":         {"syn-cookie-invalid", []func(*Tally){from("10.%d.3.%d", 2000, 1)}, "warning traced-cookies-invalid", []string{"meets a flood of ACKs", "2000 sources"}},
		"a NAT": {"paws-time-wait", []func(*Tally){func(t *Tally) { t.BySource = map[netip.Addr]uint64{netip.MustParseAddr("192.0.2.1"): 3900} }}, "warning traced-timestamps",
			[]string{"mostly of 192.0.2.1", "97 % of 4000"}},
		"many addresses": {"paws-established", nil, "warning traced-timestamps", nil},
		"reverse path": {"reverse-path-filter", []func(*Tally){from("198.51.%d.%d", 20, 200), func(t *Tally) { t.Answer.Interface = "eth1.7" }}, "warning traced-reverse-path",
			[]string{"mostly of 198.51.0.0/28", "interface of the newest eth1.7", "is the filter of eth1.7 strict", "net.ipv4.conf.eth1/7.rp_filter = 2", "!sysctl -w"}},
		"reverse path of an unknown interface": {"reverse-path-filter", []func(*Tally){from("198.51.%d.%d", 20, 1)}, "note traced-reverse-path", []string{"!rp_filter ="}},
		"a range":                              {"no-listener", []func(*Tally){from("2001:db8::%x:%x", 5, 100)}, "warning traced-one-range", []string{"2001:db8::/126"}},
		"few of a range":                       {"no-listener", []func(*Tally){from("198.51.%d.%d", 5, 10)}, "", nil},
		"from everywhere":                      {"no-listener", nil, "", nil},
	}
	maps.Copy(tests, wayRows)
	for name, test := range tests {
		ta := tally(test.cause)
		for _, with := range test.with {
			with(&ta)
		}
		ta.Seen = ta.Seen.only(NeedsOf(test.cause))
		var got []string
		text := ""
		found := Traced([]Tally{ta}, 16<<30)
		sound(t, name, &Facts{}, found)
		for _, x := range found {
			got = append(got, x.Severity.String()+" "+x.ID)
			fired[x.ID] = true
			text += said(x)
			if x.Cause != test.cause || x.Means == "" || len(x.Evidence) == 0 {
				t.Errorf("%s: %+v", name, x)
			}
		}
		if diff := cmp.Diff(test.want, strings.Join(got, ",")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		for _, want := range test.says {
			not, absent := strings.CutPrefix(want, "!")
			if strings.Contains(text, not) == absent {
				t.Errorf("%s: %q in:\n%s", name, want, text)
			}
		}
	}
	for _, x := range afterRefusal("stray-ack", "192.0.2.1") {
		fired[x.ID] = true
	}
	for _, r := range rules {
		if r.Scope == Trace && !fired[r.ID] {
			t.Errorf("nothing makes %s fire", r.ID)
		}
	}
}

func TestCovering(t *testing.T) {
	few := map[netip.Addr]uint64{}
	add := func(m map[netip.Addr]uint64, n uint64, addrs ...string) map[netip.Addr]uint64 {
		all := map[netip.Addr]uint64{}
		for a, n := range m {
			all[a] = n
		}
		for _, a := range addrs {
			all[netip.MustParseAddr(a)] += n
		}
		return all
	}
	four := add(few, 20, "10.9.0.1", "10.9.0.2", "10.9.0.3", "10.9.0.4")
	for name, test := range map[string]struct {
		sources map[netip.Addr]uint64
		total   uint64
		want    string
	}{
		"four":                  {four, 100, "10.9.0.0/29 80 4"},
		"too small a share":     {four, 101, ""},
		"too few":               {add(few, 20, "10.9.0.1", "10.9.0.2", "10.9.0.3"), 60, ""},
		"with others":           {add(four, 10, "192.0.2.1", "10.200.0.1"), 100, "10.9.0.0/29 80 4"},
		"wide":                  {add(few, 20, "10.9.1.1", "10.9.2.2", "10.9.3.3", "10.9.4.4"), 80, "10.9.0.0/21 80 4"},
		"in the upper half":     {add(four, 400, "10.9.0.129", "10.9.0.130", "10.9.0.131", "10.9.0.132"), 1680, "10.9.0.128/29 1600 4"},
		"the whole space":       {add(few, 20, "10.9.1.1", "100.9.2.2", "150.9.3.3", "210.9.4.4"), 80, ""},
		"more than a /8":        {add(few, 20, "10.9.1.1", "11.9.2.2", "12.9.3.3", "13.9.4.4"), 80, ""},
		"IPv6":                  {add(few, 20, "2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db8:0:1::4"), 80, "2001:db8::/63 80 4"},
		"IPv6 beside some IPv4": {add(add(few, 20, "2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db8::4"), 5, "10.0.0.1"), 85, "2001:db8::/125 80 4"},
		"one with an address":   {map[netip.Addr]uint64{{}: 100}, 100, ""},
		"nothing":               {nil, 0, ""},
	} {
		got := ""
		if r := Covering(test.sources, test.total); r != nil {
			got = fmt.Sprintf("%s %d %d", r.Prefix, r.Count, r.Sources)
		}
		if got != test.want {
			t.Errorf("%s: got %q, want %q", name, got, test.want)
		}
	}
}

// only leaves out what nothing needs.
func (s Seen) only(needs Needs) Seen {
	if !needs.Has(NeedsTable) {
		s.Table = nil
	}
	if !needs.Has(NeedsWaiting) {
		s.Waiting = nil
	}
	if !needs.Has(NeedsSurvey) {
		s.Survey = nil
	}
	return s
}

// What is true at the end of a trace is true now while it goes on.
func TestFindingsOfATraceThatGoesOn(t *testing.T) {
	for running, want := range map[bool]string{false: "the queue is full at the end", true: "the queue is full now"} {
		ta := tally("accept-queue-full")
		met(event.Listener{AcceptQueue: 129, AcceptQueueMax: 128, Somaxconn: 4096})(&ta)
		waits(129, time.Hour)(&ta)
		ta.Running = running
		if text := said(Traced([]Tally{ta}, 16<<30)[0]); !strings.Contains(text, want) {
			t.Errorf("%q is not in:\n%s", want, text)
		}
	}
}
