// SPDX-License-Identifier: Apache-2.0

package sink

import (
	"io"
	"testing"

	"github.com/synwatch/synwatch/pkg/enrich"
	"github.com/synwatch/synwatch/pkg/proc"
	"github.com/synwatch/synwatch/pkg/stream"
	"github.com/synwatch/synwatch/pkg/text"
)

func BenchmarkRecord(b *testing.B) {
	for name, r := range map[string]stream.Record{
		"plain": record("no-listener", "", func(r *stream.Record) { r.Reason = "NO_SOCKET" }),
		"evidence": record("accept-queue-full", "syn", func(r *stream.Record) {
			r.Evidence = listener(129, 128, 3)
			r.Listener = &enrich.Listener{Port: 443, Process: proc.Process{PID: 812, Comm: "nginx", Unit: "nginx.service"}}
		}),
	} {
		for kind, to := range map[string]stream.Sink{"json": NewJSON(io.Discard), "text": NewText(io.Discard, text.Palette{})} {
			b.Run(name+"/"+kind, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if err := to.Record(r); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
