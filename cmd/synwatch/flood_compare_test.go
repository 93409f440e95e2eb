// SPDX-License-Identifier: Apache-2.0

package main

import (
	"maps"
	"net/netip"

	"github.com/synwatch/synwatch/pkg/provoke"
)

// comparison is how a trace's counts differ from those of the senders.
type comparison struct {
	drops      uint64
	sourceless uint64 // reported without a source
	sources    int    // reported, of all causes
	partial    int    // of them, those of which too few drops were reported
	missing    int    // sources that were not reported
}

// compare demands that the reported sum of each cause equals the kernel's count and
// the senders'.
func (f *floods) compare(o *reportedDrops) comparison {
	f.t.Helper()
	var v comparison
	rest := maps.Clone(o.counts)
	for _, cf := range f.all {
		f.compareCause(cf, rest[cf.cause], &v)
		delete(rest, cf.cause)
	}
	for cause, counts := range rest {
		f.t.Errorf("%s was reported and not provoked: %v", cause, counts)
	}
	if v.drops == 0 {
		f.t.Error("nothing was dropped")
	}
	s := &o.summary
	if s.Lost != 0 || s.Drops != v.drops {
		f.t.Errorf("the summary has %d drops, lost %d; the senders sent %d", s.Drops, s.Lost, v.drops)
	}
	return v
}

// compareCause compares one cause. It is an error if more drops were reported of a
// source than it sent.
func (f *floods) compareCause(cf *causeFlood, got map[netip.Addr]uint64, v *comparison) {
	f.t.Helper()
	want, err := cf.sender.Counts()
	if err != nil {
		f.t.Fatal(err)
	}
	kernel, err := cf.target.Dropped()
	if err != nil {
		f.t.Fatal(err)
	}
	sent, sum := sumOf(want), sumOf(got)
	if sent != kernel || sum != kernel {
		f.t.Errorf("%s: the kernel dropped %d, the senders sent %d, reported are %d", cf.cause, kernel, sent, sum)
	}
	v.drops += sent
	v.sources += len(want)
	for _, d := range provoke.Compare(want, got) {
		switch {
		case d.Key == netip.Addr{}:
			v.sourceless += d.Reported
		case d.Reported > d.Provoked:
			f.t.Errorf("%s from %v", cf.cause, d)
		case d.Reported == 0:
			v.missing++
			v.sources--
		default:
			v.partial++
		}
	}
}

func sumOf[K comparable](counts map[K]uint64) (sum uint64) {
	for _, n := range counts {
		sum += n
	}
	return sum
}

// checkExact demands that the count of every source is exact, too.
func (f *floods) checkExact(o *reportedDrops) {
	f.t.Helper()
	v := f.compare(o)
	if v.partial != 0 || v.missing != 0 {
		f.t.Errorf("of %d sources, too few drops were reported of %d, and none of %d more", v.sources, v.partial, v.missing)
	}
	if v.sourceless != 0 || o.summary.Unattributed != 0 {
		f.t.Errorf("without a source %d, unattributed %d, want none", v.sourceless, o.summary.Unattributed)
	}
	f.t.Logf("%d drops from %d sources in %d lines", v.drops, v.sources, o.lines)
}
