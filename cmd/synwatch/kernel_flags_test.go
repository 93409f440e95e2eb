// SPDX-License-Identifier: Apache-2.0

package main

import (
	"slices"
	"strconv"
	"testing"

	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/synwatch/synwatch/pkg/needs"
	"github.com/synwatch/synwatch/pkg/provoke"
)

// named finds a provocation.
func named(t *testing.T, name string) provoke.Provocation {
	t.Helper()
	all := provoke.All()
	at := slices.IndexFunc(all, func(p provoke.Provocation) bool { return p.Name() == name })
	if at < 0 {
		t.Fatalf("no provocation %s", name)
	}
	return all[at]
}

// possible finds a provocation that this machine can make, or skips the test.
func possible(t *testing.T, name string) provoke.Provocation {
	t.Helper()
	p := named(t, name)
	needs.Able(t, p.Missing(), provoke.ErrMissing)
	return p
}

func provokeIn(t *testing.T, lab *provoke.Lab, name string) provoke.Expect {
	t.Helper()
	want, err := possible(t, name).Run(t.Context(), lab, provoke.V4)
	if err != nil {
		t.Fatal(err)
	}
	return want
}

// only are the flags that restrict a trace to a lab: other programs may use the
// machine.
func only(lab *provoke.Lab) []string {
	return []string{"--netns", strconv.FormatUint(uint64(lab.Netns()), 10)}
}

// Several causes at once, each from several sources, on several CPUs.
func TestKernelTogether(t *testing.T) {
	lab := newLab(t)
	s := startTrace(t, only(lab)...)
	awaitModules(t, s)
	attributor := cause.NewAttributor(s.coverage())
	var at []provoke.Provocation
	for _, name := range []string{
		"accept-queue-full/syn", "accept-queue-full/ack", "no-listener", "checksum-error",
		"netfilter-drop", "netfilter-reject", "conntrack-invalid",
	} {
		p := possible(t, name)
		if seen(attributor.Stages(), p.Cause, p.Stage) {
			at = append(at, p)
		}
	}
	if len(at) < 2 {
		t.Fatalf("of several causes, the hooks show only %d", len(at))
	}
	var want []provoke.Drop
	counters := map[string]uint64{}
	for range 3 {
		expect, err := provoke.Together(t.Context(), lab, provoke.V4, at...)
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, expect.Drops...)
		for name, n := range expect.Counters {
			counters[name] += n
		}
	}
	records, summary := s.stop()
	checkCounts(t, records, want)
	checkCounters(t, summary, lab.Netns(), counters)
}

func TestKernelNoCoalesce(t *testing.T) {
	needs.FewKernels(t)
	lab := newLab(t)
	s := startTrace(t, append(only(lab), "--no-coalesce")...)
	want := provokeIn(t, lab, "no-listener")
	records, _ := s.stop()
	checkCounts(t, records, want.Drops)
	for _, r := range records {
		if r.Count != 1 || r.SrcPort == 0 {
			t.Errorf("not a record per drop: %v", r)
		}
	}
}

func TestKernelFilters(t *testing.T) {
	needs.FewKernels(t)
	mine, other := newLab(t), newLab(t)
	// The provocation chooses the addresses: a first run finds them out.
	s := startTrace(t, only(mine)...)
	provokeIn(t, other, "no-listener")
	want := provokeIn(t, mine, "no-listener")
	records, _ := s.stop()
	checkCounts(t, records, want.Drops)

	one := want.Drops[1]
	for _, c := range []struct {
		name, flag, value string
		passes            func(provoke.Drop) bool
	}{
		{"src", "--src", one.Src.String() + "/16", func(provoke.Drop) bool { return true }},
		{"src none", "--src", "192.0.2.0/24", func(provoke.Drop) bool { return false }},
		{"dst", "--dst", one.Dst.Addr().String(), func(provoke.Drop) bool { return true }},
		{"dst none", "--dst", "10.0.0.2", func(provoke.Drop) bool { return false }},
		{"port none", "--port", "1", func(provoke.Drop) bool { return false }},
	} {
		if needs.InVM() && c.name != "src" {
			continue // a trace takes long to start there
		}
		t.Run(c.name, func(t *testing.T) {
			s := startTrace(t, append(only(mine), c.flag, c.value)...)
			all := provokeIn(t, mine, "no-listener")
			records, _ := s.stop()
			checkCounts(t, records, slices.DeleteFunc(all.Drops, func(d provoke.Drop) bool { return !c.passes(d) }))
		})
	}
}

// A trace that was asked for so many records ends by itself.
func TestKernelCount(t *testing.T) {
	needs.FewKernels(t)
	lab := newLab(t)
	s := startTrace(t, append(only(lab), "--count", "2")...)
	provokeIn(t, lab, "no-listener")
	records, _ := s.wait()
	if len(records) != 2 {
		t.Errorf("%d records, asked for 2", len(records))
	}
}
