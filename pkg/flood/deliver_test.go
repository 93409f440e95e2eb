// SPDX-License-Identifier: Apache-2.0

package flood

import (
	"testing"

	"golang.org/x/sys/unix"
)

// TestDeliverOverVeth demands that frames of the client get their sources like those
// that the kernel makes.
func TestDeliverOverVeth(t *testing.T) {
	f := newLab(t)
	target := newTarget(t, f, ClosedPort)
	sender, err := f.NewSender(target.Addr, Mix{Sources: 16})
	if err != nil {
		t.Fatal(err)
	}
	fd, err := f.OpenOutlet()
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	const n = 5000
	if err := f.ServerDo(func() error { return sender.overVeth(t.Context(), fd, n) }); err != nil {
		t.Fatal(err)
	}
	if dropped, err := target.Dropped(); err != nil || dropped != n {
		t.Errorf("the kernel dropped %d of %d packets (%v)", dropped, n, err)
	}
	counts, err := sender.Counts()
	if err != nil || len(counts) != 16 {
		t.Errorf("from %d sources (%v), want 16", len(counts), err)
	}
}

// TestPerCPUSender demands that the kernel counts every packet of every CPU, and that the
// sender's counts by source add up to the same.
func TestPerCPUSender(t *testing.T) {
	f := newLab(t)
	target := newTarget(t, f, ClosedPort)
	sender, err := f.NewPerCPUSender(target.Addr, Mix{Sources: 16, Churn: 1000})
	if err != nil {
		t.Fatal(err)
	}
	before, err := target.Dropped()
	if err != nil {
		t.Fatal(err)
	}
	const n = 10000
	err = sender.Send(t.Context(), n)
	skipIfCannot(t, err)
	if err != nil {
		t.Fatal(err)
	}
	after, err := target.Dropped()
	if err != nil {
		t.Fatal(err)
	}
	counts, err := sender.Counts()
	if err != nil {
		t.Fatal(err)
	}
	var sum uint64
	for _, count := range counts {
		sum += count
	}
	if want := uint64(n * len(f.CPUs())); after-before != want || sum != want {
		t.Errorf("the kernel dropped %d and the sender sent %d of %d packets", after-before, sum, want)
	}
	if want := 16 + n/1000 - 1; len(counts) != want {
		t.Errorf("from %d sources, want %d", len(counts), want)
	}
}
