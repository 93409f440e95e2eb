// SPDX-License-Identifier: Apache-2.0

package watch

import (
	"fmt"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/synwatch/synwatch/pkg/enrich"
	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/synwatch/synwatch/pkg/nstat"
	"github.com/synwatch/synwatch/pkg/stream"
)

// The samples are of a kernel that does not show the cookies to user space.
func TestNamespacesAddUpSamples(t *testing.T) {
	one, two := netns.ID{Inode: 1}, netns.ID{Inode: 2}
	now := time.Now()
	ns := newNamespaces(nstat.Sample{one: {"a": 10}}, nil, now)
	ns.add(readingOf(nstat.Sample{one: {"a": 12}}), ns.begin(), true, now)
	ns.add(readingOf(nstat.Sample{one: {"a": 15, "b": 4}, two: {"a": 7}}), ns.begin(), false, now) // a module and a namespace appear
	ns.add(readingOf(nstat.Sample{two: {"a": 3}}), ns.begin(), false, now)                         // one goes, one is new under the old number
	first, second := ns.table.Get(one), ns.table.Get(two)
	if diff := cmp.Diff([]deltas{{"a": 5, "b": 4}, {"a": 10}}, []deltas{first.moved, second.moved}); diff != "" {
		t.Errorf("moved (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(deltas{"a": 2}, first.uncertain); diff != "" {
		t.Errorf("uncertain (-want +got):\n%s", diff)
	}
	if ns.here(first) || !ns.here(second) || ns.table.Get(netns.ID{Inode: 3}) != nil {
		t.Errorf("%+v, %+v", first, second)
	}
}

// A namespace that ended during a reading does not take its number from the next one.
func TestTheNextOneKeepsItsNumber(t *testing.T) {
	now := time.Now()
	ns := newNamespaces(nstat.Sample{}, nil, now)
	reading := ns.begin()
	next := ns.of(thirdID, now)
	ns.add(readingOf(nstat.Sample{secondID: {"a": 7}}), reading, false, now)
	if was := ns.table.Get(secondID); was.moved["a"] != 7 || ns.table.Get(netns.ID{Inode: second}) != next {
		t.Errorf("%+v, %+v", was, next)
	}
	ns.add(readingOf(nstat.Sample{thirdID: {"a": 3}}), ns.begin(), false, now)
	if next.moved["a"] != 3 {
		t.Errorf("%+v", next)
	}
}

// Connection tracking's counters begin again when its module is loaded again.
func TestACounterThatFallsBeganAgain(t *testing.T) {
	id, now := netns.ID{Cookie: 7, Inode: 1}, time.Now()
	ns := newNamespaces(nstat.Sample{id: {"a": 10, "b": 1}}, nil, now)
	ns.add(readingOf(nstat.Sample{id: {"a": 3, "b": 2}}), ns.begin(), false, now)
	if diff := cmp.Diff(deltas{"a": 3, "b": 1}, ns.table.Get(id).moved); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// The second namespace, whose counters stand at 7, ends, and another one gets its
// number. Its counters have gone further when they are first read.
func TestANumberThatIsGivenAgain(t *testing.T) {
	for _, cookies := range []bool{true, false} {
		first, next := syn("10.9.0.5:1", 5), syn("10.9.0.6:1", 9)
		first.Netns, next.Netns = secondID, thirdID
		late := syn("10.9.0.7:1", 2) // of the first, reported late
		late.Netns = secondID
		f := newFake(
			step{after: time.Second, other: overflows(7), events: []event.Event{first, late}},
			step{after: time.Second, next: true, other: overflows(9), events: []event.Event{next}},
			step{after: 2 * time.Second, other: map[string]uint64{"TcpExtListenDrops": 4}, events: []event.Event{late}},
			step{after: 2 * time.Second},
		)
		f.cookies = cookies
		var asked []netns.ID
		b := run(t, f, func(c *Config) {
			c.Enricher = asker(func(q enrich.Query) { asked = append(asked, q.Netns) })
		})
		type key struct {
			cookie  uint64
			counter string
		}
		got := map[key]string{}
		for _, r := range b.summary.Reconcile {
			if r.Netns == second {
				got[key{r.Cookie, r.Counter}] = fmt.Sprintf("%s %d %d %s", r.NetnsName, r.Kernel, r.Attributed, r.Why)
			}
		}
		const gone = "the namespace is gone, this is what its counters said last"
		want := map[key]string{
			{2, "TcpExtListenOverflows"}: "blue 7 9 " + gone,
			{2, "TcpExtListenDrops"}:     "blue 7 9 " + gone,
			{3, "TcpExtListenOverflows"}: "green 9 9 ",
			{3, "TcpExtListenDrops"}:     "green 13 9 nothing that is known explains it",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("cookies %v, rows (-want +got):\n%s", cookies, diff)
		}
		names := map[string]string{}
		for _, r := range b.records {
			names[r.Src.Addr().String()] = r.NetnsName
		}
		if diff := cmp.Diff(map[string]string{"10.9.0.5": "blue", "10.9.0.6": "green", "10.9.0.7": "blue"}, names); diff != "" {
			t.Errorf("cookies %v, names (-want +got):\n%s", cookies, diff)
		}
		for _, id := range asked {
			if id != secondID && id != thirdID {
				t.Errorf("cookies %v: asked about %+v", cookies, id)
			}
		}
	}
}

// asker is an Enricher that knows nothing.
type asker func(enrich.Query)

func (a asker) Ask(q enrich.Query) (enrich.Answer, bool) {
	a(q)
	return enrich.Answer{}, true
}

// node is a source on a node where namespaces come and go: one at each read, which
// gets the number of the one that came some time before.
type node struct {
	*fake
	reads, n int
	largest  uint64
	heap     func() uint64
}

// nodeAlive is how many there are at a time.
const nodeAlive = 50

func (n *node) Read(until time.Time) ([]event.Event, error) {
	if n.n == n.reads {
		return n.fake.Read(until)
	}
	n.n++
	synctest.Wait()
	time.Sleep(10 * time.Millisecond)
	id := func(i int) netns.ID { return netns.ID{Cookie: uint64(1000 + i), Inode: second + uint32(i%nodeAlive)} }
	delete(n.counters, id(n.n-nodeAlive))
	n.counters[id(n.n)] = nstat.Values{"TcpExtListenOverflows": 3, "TcpExtListenDrops": 3}
	e := syn("10.9.0.5:1", 3)
	e.Src = netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 9, 0, byte(n.n)}), 1)
	e.Dst = netip.AddrPortFrom(e.Dst.Addr(), uint16(n.n))
	e.Netns = id(n.n)
	if n.n%5_000 == 0 {
		n.largest = max(n.largest, n.heap())
	}
	return []event.Event{e}, nil
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func TestANodeWhoseNamespacesComeAndGo(t *testing.T) {
	all := 100_000
	if testing.Short() {
		all = 10_000
	}
	n := &node{fake: newFake(), reads: all, heap: heap}
	before := heap()
	var sink kept
	cfg := Config{
		Source: n, Counters: n, Sink: forgetful{&sink}, Now: time.Now, Warn: func(s string) { t.Log(s) },
		Duration: time.Duration(all)*10*time.Millisecond + time.Second, Enricher: asker(func(enrich.Query) {}),
	}
	synctest.Test(t, func(t *testing.T) {
		if err := Run(t.Context(), cfg); err != nil {
			t.Fatal(err)
		}
	})
	var kernel, attributed, namespaces int
	for _, r := range sink.summary.Reconcile {
		if r.Counter != "TcpExtListenDrops" {
			continue
		}
		kernel, attributed, namespaces = kernel+int(r.Kernel), attributed+int(r.Attributed), namespaces+r.Namespaces
		if r.Kernel != r.Attributed && !strings.Contains(r.Why, "could not be read") {
			t.Errorf("%+v", r)
		}
	}
	if kernel != 3*all || attributed != kernel || namespaces != all || sink.summary.Drops != uint64(3*all) {
		t.Errorf("kernel %d, attributed %d in %d namespaces, %d drops", kernel, attributed, namespaces, sink.summary.Drops)
	}
	if rows := len(sink.summary.Reconcile); rows > 2*(maxGone+nodeAlive+1) {
		t.Errorf("%d rows", rows)
	}
	const limit = 32 << 20
	if grown := int64(n.largest) - int64(before); grown > limit {
		t.Errorf("the heap grew by %d MiB", grown>>20)
	}
}

// forgetful keeps no records.
type forgetful struct{ *kept }

func (forgetful) Record(stream.Record) error { return nil }

func readingOf(s nstat.Sample) *nstat.Reading { return &nstat.Reading{Sample: s} }

// What a reading has again is there, and moves nothing.
func TestNamespacesThatWereNotReadAgain(t *testing.T) {
	id, now := netns.ID{Cookie: 1, Inode: 5}, time.Now()
	ns := newNamespaces(nstat.Sample{id: {"a": 3}}, nil, now)
	again := &nstat.Reading{Sample: nstat.Sample{id: {"a": 3}}, Again: map[netns.ID]bool{id: true}}
	ns.add(again, ns.begin(), false, now)
	n := ns.of(id, now)
	if !ns.here(n) || len(n.moved) != 0 || len(ns.sorted()) != 0 {
		t.Errorf("got %+v", n)
	}
	ns.add(readingOf(nstat.Sample{id: {"a": 5}}), ns.begin(), false, now)
	if n.moved["a"] != 2 || len(ns.sorted()) != 1 {
		t.Errorf("got %+v", n)
	}
	// It goes 20 seconds after it was read.
	again.Sample[id] = nstat.Values{"a": 5}
	ns.add(again, ns.begin(), false, now.Add(20*time.Second))
	if state := ns.state(n); state != nil {
		t.Errorf("it is there: %v", state)
	}
	ns.add(readingOf(nil), ns.begin(), false, now.Add(21*time.Second))
	if state := ns.state(n); len(state) != 1 || !strings.HasSuffix(state[0], "said last, 20 s before it was last there") {
		t.Errorf("it is gone: %v", state)
	}
	// One whose first reading was never entered.
	other := netns.ID{Cookie: 2, Inode: 6}
	again = &nstat.Reading{Sample: nstat.Sample{other: {"a": 7}}, Again: map[netns.ID]bool{other: true}}
	ns.add(again, ns.begin(), false, now)
	if n := ns.of(other, now); n.moved["a"] != 7 {
		t.Errorf("got %+v", n)
	}
}
