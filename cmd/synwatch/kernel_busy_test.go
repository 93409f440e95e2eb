// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/synwatch/synwatch/pkg/flood"
	"github.com/synwatch/synwatch/pkg/needs"
)

// TestKernelBusyRouter: a container host that forwards, masquerades and bridges
// connections, and refuses none, gives no record. SYNWATCH_CONNECTIONS is how many.
func TestKernelBusyRouter(t *testing.T) {
	needs.FewKernels(t)
	needs.Root(t)
	loadModules()
	router, err := flood.NewRouter()
	needs.Able(t, err, flood.ErrCannot)
	t.Cleanup(func() {
		if err := router.Close(); err != nil {
			t.Error(err)
		}
	})
	namespaces, err := router.Netns()
	if err != nil {
		t.Fatal(err)
	}
	var flags []string
	for _, inode := range namespaces {
		flags = append(flags, "--netns", strconv.FormatUint(uint64(inode), 10))
	}
	s := startTrace(t, flags...)
	awaitModules(t, s)
	n := busyConnections(t) / 2
	pass(t, "routed", n, router.Routed)
	pass(t, "bridged", n, router.Bridged)
	records, summary := s.stop()
	for _, r := range records {
		t.Errorf("nothing was refused: %v", r)
	}
	if summary.Lost != 0 || summary.Unattributed != 0 {
		t.Errorf("lost %d, unattributed %d", summary.Lost, summary.Unattributed)
	}
}

// busyConnections is how many connections there are time for.
func busyConnections(t *testing.T) uint64 {
	t.Helper()
	n, err := strconv.ParseUint(cmp.Or(os.Getenv("SYNWATCH_CONNECTIONS"), natively("300000", "8000")), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func pass(t *testing.T, way string, n uint64, connect func(context.Context, flood.Thread, uint64) (flood.Sent, error)) {
	t.Helper()
	sent, err := connect(t.Context(), flood.Thread{}, n)
	if err != nil {
		t.Fatalf("%s: %v", way, err)
	}
	t.Logf("%d connections %s in %v, %v each", n, way, sent.Elapsed.Round(time.Millisecond), sent.CPU/time.Duration(n))
}
