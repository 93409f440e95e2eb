// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"context"
	"testing"
	"time"
)

// A busy router forwards connections, and none of the counters of drops moves.
func TestRouter(t *testing.T) {
	l := newLab(t)
	r, err := l.NewRouter(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	for f, name := range map[Family]string{V4: "IpForwDatagrams", V6: "Ip6OutForwDatagrams"} {
		const n = 1000
		start := time.Now()
		moved := checkCounters(t, l, func(ctx context.Context) (Expect, error) {
			return Expect{}, r.Connect(ctx, l.cpus[0], f, n)
		})
		if moved[name] < 6*n {
			t.Errorf("%s moved by %d for %d connections", name, moved[name], n)
		}
		t.Logf("%s: %v a connection", f, time.Since(start)/n)
	}
}
