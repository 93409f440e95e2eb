// SPDX-License-Identifier: Apache-2.0

package flood

import (
	"testing"
)

// TestSwarm wants the kernel to have counted every packet of every CPU, and the
// swarm to know where they came from.
func TestSwarm(t *testing.T) {
	f := newField(t)
	target, err := ClosedPort.Prepare(f)
	if err != nil {
		t.Fatal(err)
	}
	swarm, err := f.NewSwarm(target.Addr, Mix{Sources: 16, Churn: 1000})
	if err != nil {
		t.Fatal(err)
	}
	before, err := target.Dropped()
	if err != nil {
		t.Fatal(err)
	}
	const n = 10000
	err = swarm.Send(t.Context(), n)
	skipIfCannot(t, err)
	if err != nil {
		t.Fatal(err)
	}
	after, err := target.Dropped()
	if err != nil {
		t.Fatal(err)
	}
	counts, err := swarm.Counts()
	if err != nil {
		t.Fatal(err)
	}
	var sum uint64
	for _, count := range counts {
		sum += count
	}
	if want := uint64(n * len(f.CPUs())); after-before != want || sum != want {
		t.Errorf("the kernel dropped %d and the swarm sent %d of %d packets", after-before, sum, want)
	}
	if want := 16 + n/1000 - 1; len(counts) != want {
		t.Errorf("from %d sources, want %d", len(counts), want)
	}
}
