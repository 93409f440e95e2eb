// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"strings"
	"testing"

	"github.com/synwatch/synwatch/pkg/state"
	"github.com/synwatch/synwatch/pkg/stream"
)

type nothing struct{}

func (nothing) Start(stream.Start) error     { return nil }
func (nothing) Record(stream.Record) error   { return nil }
func (nothing) Sample(stream.Sample) error   { return nil }
func (nothing) Summary(stream.Summary) error { return nil }
func (nothing) Flush() error                 { return nil }

func BenchmarkRead(b *testing.B) {
	text, _ := sample(b, 1, 20000)
	for name, data := range map[string]string{"any": text, "plain": strings.Repeat(drop, 20000)} {
		for kind, to := range map[string]stream.Sink{"nothing": nothing{}, "state": state.New()} {
			b.Run(name+"/"+kind, func(b *testing.B) {
				b.SetBytes(int64(len(data)))
				b.ReportAllocs()
				lines := uint64(0)
				for b.Loop() {
					stats, err := Read(strings.NewReader(data), to, Options{})
					if err != nil || stats.Skipped > 0 {
						b.Fatal(err, stats)
					}
					lines += stats.Lines
				}
				b.ReportMetric(float64(lines)/b.Elapsed().Seconds(), "records/s")
			})
		}
	}
}
