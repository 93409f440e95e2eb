// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"context"
	"testing"

	"github.com/synwatch/synwatch/pkg/sockets"
)

// The server forwards raw handshakes and real connections to the backend, and when
// sync returns the backend has answered and the server has forwarded the answer.
func TestBackend(t *testing.T) {
	l := newLab(t)
	for _, f := range []Family{V4, V6} {
		t.Run(f.String(), func(t *testing.T) {
			run := route(listenerDefaults, func(b *bench) Expect {
				ln := b.backendListen(64)
				for range 5 {
					b.open(b.clients(), ln.addr)
					b.syns(b.fillers(7), ln.addr)
					b.sync()
					if n := b.handshakesBehind(); n != 13 {
						t.Errorf("%d handshakes at the backend, not 13", n)
					}
				}
				client, server := b.backendPair()
				client.closeBefore(server)
				b.syns(b.clients(), b.backendSink())
				return Expect{}
			})
			checkCounters(t, l, func(ctx context.Context) (Expect, error) { return run(ctx, l, f) })
			if l.BackendNetns() == 0 || l.BackendNetns() == l.Netns() {
				t.Errorf("the backend has namespace %d", l.BackendNetns())
			}
		})
	}
}

// handshakesBehind counts the request sockets of the backend.
func (b *bench) handshakesBehind() (n int) {
	table, err := entries(b.BackendDo)
	b.fail(err)
	for _, e := range table {
		if e.State == sockets.SynRecv {
			n++
		}
	}
	return n
}
