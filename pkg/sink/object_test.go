// SPDX-License-Identifier: Apache-2.0

package sink

import (
	"encoding/json"
	"io"
	"testing"
	"time"

	"github.com/synwatch/synwatch/pkg/enrich"
	"github.com/synwatch/synwatch/pkg/proc"
	"github.com/synwatch/synwatch/pkg/watch"
)

func FuzzObjectTextIsThatOfEncodingJSON(f *testing.F) {
	for _, s := range []string{"", "nginx", "a\"b\\c", "<&>", "\x1b[2J\x7f", "é\u2028", "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		want, err := json.Marshal(map[string]string{"k": s})
		if err != nil {
			t.Fatal(err)
		}
		o := object{key: "k"}
		o.open()
		o.text(s)
		if err := o.close(); err != nil || string(o.bytes) != string(want)+"\n" {
			t.Errorf("got %q, %v, want %q", o.bytes, err, want)
		}
	})
}

func BenchmarkJSONRecord(b *testing.B) {
	for name, r := range map[string]watch.Record{
		"plain": record("no-listener", "", func(r *watch.Record) { r.Reason = "NO_SOCKET" }),
		"evidence": record("accept-queue-full", "syn", func(r *watch.Record) {
			r.Evidence = listener(129, 128, 3)
			r.Listener = &enrich.Listener{Port: 443, Process: proc.Process{PID: 812, Comm: "nginx", Unit: "nginx.service"}}
		}),
	} {
		b.Run(name, func(b *testing.B) {
			j := NewJSON(io.Discard)
			b.ReportAllocs()
			for b.Loop() {
				if err := j.Record(r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func TestSecondsAreShort(t *testing.T) {
	for d, want := range map[time.Duration]string{13710859149: "13.710859", 300 * time.Millisecond: "0.3", time.Minute: "60"} {
		if got, err := json.Marshal(seconds(d)); err != nil || string(got) != want {
			t.Errorf("%v is written %s (%v), not %s", d, got, err, want)
		}
	}
}
