// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// counted are two loads on one kernel, of which the second is no flood.
func counted() Counted {
	return Counted{"6.12", "linux-image-6.12.1 6.12.1-1", []LoadCount{
		{"closed-port", 65536, 3690, map[string]int{"floor-empty": 26, "floor-count": 281, "synwatch": 1000}},
		{"clean", 0, 75210, map[string]int{"floor-empty": -3, "floor-count": 0, "synwatch": 8400}},
	}}
}

func TestCount(t *testing.T) {
	row := func(scenario, contender string, sources uint32, packet, added float64) Row {
		return Row{
			Kernel: "6.12", Package: "linux-image-6.12.1 6.12.1-1", Scenario: scenario, Contender: contender,
			Sources: sources, Unit: Instructions, Packet: packet, Added: added, Reported: 1,
		}
	}
	rows := []Row{
		row("closed-port", "untraced", 65536, 3690.4, 0), row("closed-port", "floor-empty", 65536, 0, 25.8),
		row("closed-port", "floor-count", 65536, 0, 281), row("closed-port", "synwatch", 65536, 0, 1000.1),
		row("clean", "untraced", 0, 75210, 0), row("clean", "floor-empty", 0, 0, -2.7),
		row("clean", "floor-count", 0, 0, 0.1), row("clean", "synwatch", 0, 0, 8400),
	}
	got, err := Count(rows)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(counted(), got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	for name, spoil := range map[string]func(*Row){
		"drops unseen":   func(r *Row) { r.Reported = 0.99 },
		"microseconds":   func(r *Row) { r.Unit = Microseconds },
		"own kernel":     func(r *Row) { r.Package = "" },
		"another kernel": func(r *Row) { r.Kernel = "7.x" },
		"not measured":   func(r *Row) { r.Missing = "no fentry" },
		"no base":        func(r *Row) { r.Scenario = "idle" },
	} {
		spoilt := append([]Row{}, rows...)
		spoil(&spoilt[3]) // a flood under synwatch
		if got, err := Count(spoilt); err == nil {
			t.Errorf("%s: no error, but %+v", name, got)
		}
	}
	if got, err := Count(nil); err == nil {
		t.Errorf("no rows: no error, but %+v", got)
	}
}

// Of a load that costs much, what the tracer adds may differ by more than a tenth by chance.
func TestGrownByChance(t *testing.T) {
	load := func(added int) Counted {
		return Counted{"6.12", "linux-image-6.12.1 6.12.1-1", []LoadCount{{"keep-alive", 0, 30000, map[string]int{"synwatch": added}}}}
	}
	if worse := load(160).Grown(load(10)); len(worse) > 0 {
		t.Errorf("half a percent of the load: %q", worse)
	}
	if worse := load(161).Grown(load(10)); len(worse) != 1 {
		t.Errorf("more than half a percent of the load: %q", worse)
	}
}

func TestGrown(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*Counted)
		want   string
	}{
		{"the same", func(*Counted) {}, ""},
		{"a tenth more", func(c *Counted) { c.Loads[0].Added["synwatch"] = 1100 }, ""},
		{"over a tenth more", func(c *Counted) { c.Loads[0].Added["synwatch"] = 1101 },
			"closed-port, 65536 sources, on 6.12: synwatch adds 1101 instructions, and added 1000"},
		{"less", func(c *Counted) { c.Loads[0].Added["synwatch"] = 1 }, ""},
		{"a dearer floor", func(c *Counted) { c.Loads[0].Added["floor-count"] = 1e6 }, ""},
		{"a new load", func(c *Counted) { c.Loads = append(c.Loads, LoadCount{Scenario: "forward"}) }, ""},
		{"a load less", func(c *Counted) { c.Loads = c.Loads[:1] }, "clean on 6.12 was not measured"},
		{"other sources", func(c *Counted) { c.Loads[0].Sources = 16 }, "closed-port, 65536 sources, on 6.12 was not measured"},
	} {
		now := counted()
		tt.change(&now)
		if got := strings.Join(now.Grown(counted()), "\n"); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}
