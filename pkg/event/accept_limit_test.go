// SPDX-License-Identifier: Apache-2.0

package event

import "testing"

func TestAcceptLimit(t *testing.T) {
	for _, test := range []struct {
		limit, somaxconn uint32
		want             AcceptLimit
	}{
		{128, 4096, ListenBacklog}, {4096, 4096, Somaxconn}, {4096, 128, ""}, {128, 0, ""}, {0, 0, ""}, {0, 4096, ListenBacklog},
	} {
		l := &Listener{AcceptQueueMax: test.limit, Somaxconn: test.somaxconn}
		if got := l.AcceptLimit(); got != test.want {
			t.Errorf("a limit of %d with somaxconn %d: got %q, want %q", test.limit, test.somaxconn, got, test.want)
		}
	}
}
