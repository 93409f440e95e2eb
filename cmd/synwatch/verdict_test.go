// SPDX-License-Identifier: Apache-2.0

package main

import (
	"maps"
	"net/netip"

	"github.com/synwatch/synwatch/pkg/provoke"
)

// verdict is how a trace compares with the floods.
type verdict struct {
	drops      uint64
	sourceless uint64 // told of without a source
	sources    int    // told of, of all causes
	partial    int    // of them, those of which not every drop was told
	missing    int    // sources that were not told of
}

// check demands that all that was told is what was dropped, cause by cause, by
// the kernel's count and by the senders'.
func (f *floods) check(o *told) verdict {
	f.t.Helper()
	var v verdict
	rest := maps.Clone(o.counts)
	for _, one := range f.all {
		f.checkOne(one, rest[one.cause], &v)
		delete(rest, one.cause)
	}
	for cause, counts := range rest {
		f.t.Errorf("told of %s though nobody provoked it: %v", cause, counts)
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

// checkOne adds to the verdict. More than a source has sent is an error.
func (f *floods) checkOne(one *oneFlood, got map[netip.Addr]uint64, v *verdict) {
	f.t.Helper()
	want, err := one.sender.Counts()
	if err != nil {
		f.t.Fatal(err)
	}
	kernel, err := one.target.Dropped()
	if err != nil {
		f.t.Fatal(err)
	}
	sent, sum := sumOf(want), sumOf(got)
	if sent != kernel || sum != kernel {
		f.t.Errorf("%s: the kernel dropped %d, the senders sent %d, told are %d", one.cause, kernel, sent, sum)
	}
	v.drops += sent
	v.sources += len(want)
	for _, d := range provoke.Compare(want, got) {
		switch {
		case d.Key == netip.Addr{}:
			v.sourceless += d.Reported
		case d.Reported > d.Provoked:
			f.t.Errorf("%s from %v", one.cause, d)
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
func (f *floods) checkExact(o *told) {
	f.t.Helper()
	v := f.check(o)
	if v.partial != 0 || v.missing != 0 {
		f.t.Errorf("of %d sources, too few drops were told of %d, and none of %d more", v.sources, v.partial, v.missing)
	}
	if v.sourceless != 0 || o.summary.Unattributed != 0 {
		f.t.Errorf("without a source %d, unattributed %d, want none", v.sourceless, o.summary.Unattributed)
	}
	f.t.Logf("%d drops from %d sources in %d lines", v.drops, v.sources, o.lines)
}
