// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/synwatch/synwatch/pkg/state"
	"github.com/synwatch/synwatch/pkg/stream"
)

func TestRunsOfOneFileAreToldApart(t *testing.T) {
	start := func(second int, host string, part int) string {
		return fmt.Sprintf(`{"type":"start","schema":1,"time":"2026-03-01T12:00:%02dZ","host":%q,"part":%d}`+"\n", second, host, part)
	}
	// A run is read as one whether its files, or it and others, are one after the other.
	for name, test := range map[string]struct {
		text string
		want []uint64
	}{
		"one run":              {start(0, "a", 0) + drop + drop, []uint64{2}},
		"without a start":      {drop + drop, []uint64{2}},
		"a start that is late": {drop + start(0, "a", 0) + drop, []uint64{2}},
		"parts":                {start(0, "a", 0) + drop + start(0, "a", 1) + drop + start(0, "a", 2) + drop, []uint64{3}},
		"two runs":             {start(0, "a", 0) + drop + start(5, "a", 0) + drop + drop, []uint64{1, 2}},
		"two machines":         {start(0, "a", 0) + drop + start(0, "b", 0) + drop, []uint64{1, 1}},
		"four, of which two":   {start(0, "a", 0) + drop + start(1, "a", 0) + drop + start(2, "a", 0) + drop + start(3, "a", 0) + drop, []uint64{1, 1, 2}},
	} {
		states := []*state.State{state.New()}
		next := func() stream.Sink {
			if len(states) < 3 {
				states = append(states, state.New())
			}
			return states[len(states)-1]
		}
		if _, err := Read(strings.NewReader(test.text), Split(states[0], next), Options{}); err != nil {
			t.Fatal(err)
		}
		var got []uint64
		for _, s := range states {
			got = append(got, s.Snapshot(time.Time{}).Drops)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: drops by run (-want +got):\n%s", name, diff)
		}
	}
}
