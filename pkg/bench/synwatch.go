// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
)

// Synwatch is the synwatch command at a path.
func Synwatch(path string) Contender {
	return Contender{"synwatch", func(ctx context.Context, w Watched) (Tracer, error) {
		c := &command{
			seen: func(text []byte) bool { return bytes.Contains(text, []byte(`"type":"drop"`)) },
			told: func(text []byte) (Told, error) { return synwatchTold(text, w) },
		}
		return startCommand(ctx, c, path, func(file string) []string {
			return []string{"trace", "--json", "--output", file}
		})
	}}
}

// synwatchTold adds up the records of drops.
func synwatchTold(text []byte, w Watched) (told Told, err error) {
	told = Told{Cause: true, Source: true}
	for line := range bytes.Lines(text) {
		var record struct {
			Type, Cause string
			Src         netip.Addr
			Count       uint64
		}
		if err := json.Unmarshal(line, &record); err != nil {
			return told, fmt.Errorf("read what synwatch wrote: %w", err)
		}
		if record.Type != "drop" || !w.Sources.Contains(record.Src) {
			continue
		}
		told.Drops += record.Count
		told.Cause = told.Cause && record.Cause == w.Cause
	}
	if told.Drops == 0 {
		told.Cause, told.Source = false, false
	}
	return told, nil
}
