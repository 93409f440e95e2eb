// SPDX-License-Identifier: Apache-2.0

package watch

import (
	"context"
	"io"
	"maps"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/synwatch/synwatch/pkg/enrich"
	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/synwatch/synwatch/pkg/nstat"
	"github.com/synwatch/synwatch/pkg/stream"
	"github.com/synwatch/synwatch/pkg/survey"
)

const home = 4026531840

// step is what one read of a fake source does.
type step struct {
	events []event.Event
	after  time.Duration      // passes during the read
	cov    *event.Coverage    // from now on
	count  map[string]uint64  // what the kernel's counters move by, at home
	gone   bool               // the second namespace is
	do     context.CancelFunc // ends the run
	other  map[string]uint64  // what they move by in the second namespace
	next   bool               // another namespace has the number of the second
	err    error
}

// fake is a source and the kernel's counters, in a bubble of testing/synctest: before each
// read everything else has done what it can, and the clock is stopped but for what a read
// takes.
type fake struct {
	cov      event.Coverage
	steps    []step
	losses   event.Losses
	counters nstat.Sample
	lacks    map[string]error
	second   netns.ID // the namespace that has the number now
	cookies  bool     // user space can read them
	deep     int
	started  bool
	stopped  bool
	ignored  []int // of the events of a step
	waits    []time.Duration
	woken    chan struct{}
}

const second = home + 1

var (
	homeID = netns.ID{Cookie: 1, Inode: home}
	// secondID is the second namespace, thirdID the one that gets its number later.
	secondID = netns.ID{Cookie: 2, Inode: second}
	thirdID  = netns.ID{Cookie: 3, Inode: second}
)

func newFake(steps ...step) *fake {
	return &fake{
		cov: fullCoverage(), steps: steps, second: secondID, cookies: true,
		counters: nstat.Sample{homeID: {"TcpExtListenDrops": 1000}},
	}
}

func fullCoverage() event.Coverage {
	return event.Coverage{
		Hooks:      []event.HookState{{Name: "kfree_skb", Mode: event.ModeFentry, Status: event.Attached}},
		Observable: event.AllFacts, HasReasons: true,
		Reasons: map[string]bool{"NO_SOCKET": true, "NETFILTER_DROP": true, "TCP_CSUM": true},
	}
}

func (f *fake) Coverage() event.Coverage      { return f.cov }
func (f *fake) Start() error                  { f.started, f.woken = true, make(chan struct{}, 1); return nil }
func (f *fake) Stop() error                   { f.stopped = true; return nil }
func (f *fake) Ignore(i int)                  { f.ignored = append(f.ignored, i) }
func (f *fake) Losses() (event.Losses, error) { return f.losses, nil }

func (f *fake) Wake() {
	select {
	case f.woken <- struct{}{}:
	default:
	}
}

// Read takes the next step. After the last one it waits until it is stopped.
func (f *fake) Read(until time.Time) ([]event.Event, error) {
	synctest.Wait()
	if len(f.steps) == 0 {
		if f.stopped {
			return nil, io.EOF
		}
		f.rest(max(time.Until(until), tenth))
		return nil, nil
	}
	s := f.steps[0]
	f.steps = f.steps[1:]
	time.Sleep(s.after)
	if s.cov != nil {
		f.cov = *s.cov
	}
	f.move(homeID, s.count)
	if s.next {
		delete(f.counters, f.second)
		f.second = thirdID
	}
	f.move(f.second, s.other)
	if s.gone {
		delete(f.counters, f.second)
	}
	if s.do != nil {
		s.do()
	}
	return s.events, s.err
}

// rest waits, and notes for how long if it was not woken.
func (f *fake) rest(wait time.Duration) {
	select {
	case <-f.woken:
	case <-time.After(wait):
		f.waits = append(f.waits, wait)
	}
}

func (f *fake) move(id netns.ID, by map[string]uint64) {
	for counter, n := range by {
		if f.counters[id] == nil {
			f.counters[id] = nstat.Values{}
		}
		f.counters[id][counter] += n
	}
}

func (f *fake) Sample(wanted nstat.Wanted) (nstat.Reading, error) {
	if wanted.Deep {
		f.deep++
	}
	sample := nstat.Sample{}
	for id, values := range f.counters {
		if !f.cookies {
			id.Cookie = 0
		}
		sample[id] = maps.Clone(values)
	}
	return nstat.Reading{Sample: sample, Directory: f.directory()}, nil
}

// names is a directory of fakes.
type names struct {
	second netns.ID // with its cookie only if that can be read; zero if it is gone
	name   string
	lacks  map[string]error
}

func (f *fake) directory() *names {
	d := &names{lacks: f.lacks}
	if f.counters[f.second] == nil {
		return d
	}
	d.second, d.name = f.second, map[netns.ID]string{secondID: "blue", thirdID: "green"}[f.second]
	if !f.cookies {
		d.second.Cookie = 0
	}
	return d
}

func (d *names) Lack(id netns.ID, counter string) error { return d.lacks[counter] }

func (d *names) Name(id netns.ID) string {
	if d.second.Differs(id) {
		return ""
	}
	return d.name
}

// enricher answers a query when it is put for a number of times.
type enricher struct {
	asked  map[netip.AddrPort]int
	after  int
	answer enrich.Answer
	last   enrich.Query
}

func (d *enricher) Ask(q enrich.Query) (enrich.Answer, bool) {
	d.last = q
	d.asked[q.Dst]++
	if d.after < 0 || d.asked[q.Dst] <= d.after {
		return enrich.Answer{}, false
	}
	return d.answer, true
}

// kept is a sink that keeps what it gets.
type kept struct {
	start   *stream.Start
	records []stream.Record
	summary *stream.Summary
	err     error // of Flush
}

func (b *kept) Start(s stream.Start) error     { b.start = &s; return nil }
func (b *kept) Record(r stream.Record) error   { b.records = append(b.records, r); return nil }
func (b *kept) Sample(stream.Sample) error     { return nil }
func (b *kept) Summary(s stream.Summary) error { b.summary = &s; return nil }
func (b *kept) Flush() error                   { return b.err }

// sums adds up the records by cause and source.
func (b *kept) sums() map[string]uint64 {
	sums := map[string]uint64{}
	for _, r := range b.records {
		sums[r.Cause.ID+" "+r.Src.Addr().String()] += r.Count
	}
	return sums
}

func (b *kept) counts() []uint64 {
	var counts []uint64
	for _, r := range b.records {
		counts = append(counts, r.Count)
	}
	return counts
}

// run follows f for a second longer than its steps, unless mod says otherwise.
func run(t *testing.T, f *fake, mod func(*Config)) *kept {
	t.Helper()
	b := &kept{}
	if err := runErr(t, f, b, mod); err != nil {
		t.Fatal(err)
	}
	return b
}

func runErr(t *testing.T, f *fake, b *kept, mod func(*Config)) (err error) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { err = Run(t.Context(), f.config(t, b, mod)) })
	return err
}

// config is what runs f.
func (f *fake) config(t *testing.T, b *kept, mod func(*Config)) Config {
	cfg := Config{
		Source: f, Counters: f, Sink: b, Now: time.Now, Warn: func(s string) { t.Log(s) },
		Duration: time.Second, Machine: survey.Machine{Name: "box", Netns: home},
	}
	for _, s := range f.steps {
		cfg.Duration += s.after
	}
	if mod != nil {
		mod(&cfg)
	}
	return cfg
}

// drop is n drops of a packet that found no listener.
func drop(src string, n uint64) event.Event {
	return event.Event{
		Hook: event.HookFree, Facts: event.NoSocket, Reason: "NO_SOCKET", Count: n, Netns: homeID, Direction: event.In, Proto: event.TCP,
		Src: netip.MustParseAddrPort(src), Dst: netip.MustParseAddrPort("10.0.0.1:443"),
	}
}

// syn is n SYNs that met a full accept queue.
func syn(src string, n uint64) event.Event {
	e := drop(src, n)
	e.Hook, e.Facts, e.Reason = event.HookConnRequest, event.ListenOverflow|event.ListenDrop, ""
	return e
}

// cookie is n SYNs that were answered with a cookie.
func cookie(src string, n uint64) event.Event {
	e := drop(src, n)
	e.Hook, e.Facts, e.Reason = event.HookConnRequest, event.CookieSent, ""
	return e
}

func find(t *testing.T, id string) *cause.Cause {
	t.Helper()
	c, ok := cause.Lookup(id)
	if !ok {
		t.Fatalf("no cause %s", id)
	}
	return c
}

func row(s *stream.Summary, netns uint32, counter string) *stream.Row {
	at := slices.IndexFunc(s.Reconcile, func(r stream.Row) bool { return r.Netns == netns && r.Counter == counter })
	if at < 0 {
		return nil
	}
	return &s.Reconcile[at]
}
