// SPDX-License-Identifier: Apache-2.0

package state

import (
	"net/netip"
	"testing"
	"time"

	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/synwatch/synwatch/pkg/stream"
)

// flood is records of so many sources over all causes.
func flood(n int) []stream.Record {
	var records []stream.Record
	causes := cause.All()
	for i := range n {
		r := at(causes[i%3*5], time.Duration(i)*time.Millisecond, "::1")
		r.Src = netip.AddrPortFrom(address(i*7919%n), 1)
		r.Dst = netip.AddrPortFrom(r.Dst.Addr(), uint16(i%5000))
		records = append(records, r)
	}
	return records
}

func BenchmarkRecord(b *testing.B) {
	records := flood(maxSources)
	s := New()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if err := s.Record(records[i%len(records)]); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSnapshot is of a state that has no room for more, between new records.
func BenchmarkSnapshot(b *testing.B) {
	records := flood(2 * maxSources)
	s := New()
	for _, r := range records {
		if err := s.Record(r); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		_ = s.Record(records[i%len(records)])
		s.Snapshot(time.Time{})
	}
}
