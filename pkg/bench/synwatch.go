// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/netip"
)

// Synwatch is the synwatch command at a path.
func Synwatch(path string) Contender {
	return Contender{Name: "synwatch", Command: path, Start: func(ctx context.Context, w Watched) (Tracer, error) {
		f := format{shows: synwatchShows, report: synwatchReport, ready: "tracing dropped packets"}
		return startCommand(ctx, f, w, path, func(file string) []string {
			return []string{"trace", "--json", "--output", file}
		})
	}}
}

// synwatchShows spares the decoding of each line during the flood.
func synwatchShows(line []byte, source netip.Addr) bool {
	return bytes.Contains(line, []byte(`"type":"drop"`)) && bytes.Contains(line, []byte(`"src":"`+source.String()+`"`))
}

// synwatchReport adds up the records of drops.
func synwatchReport(lines iter.Seq[[]byte], w Watched) (Report, error) {
	report := Report{Cause: true, Source: true}
	for line := range lines {
		var record struct {
			Type, Cause string
			Src         netip.Addr
			Count       uint64
			Netns       uint32
		}
		if err := json.Unmarshal(line, &record); err != nil {
			return report, fmt.Errorf("read what synwatch wrote: %w", err)
		}
		known := record.Src.IsValid()
		if record.Type != "drop" || record.Netns != w.Netns || known && !w.Sources.Contains(record.Src) {
			continue
		}
		if !known {
			report.Sourceless += record.Count
		}
		report.Drops += record.Count
		report.Cause = report.Cause && record.Cause == w.Cause
	}
	if report.Drops == 0 {
		return Report{}, nil
	}
	return report, nil
}
