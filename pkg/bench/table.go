// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"
)

// Row is what one contender did under one load: medians of its rounds.
type Row struct {
	Scenario  string        `json:"scenario"`
	Sources   uint32        `json:"sources"`
	Contender string        `json:"contender"`
	Rounds    int           `json:"rounds"`
	Packet    float64       `json:"packet_us"`      // µs of CPU time a packet
	Ratio     float64       `json:"ratio"`          // of the untraced packets a second of CPU time
	Added     float64       `json:"added_us"`       // µs of CPU time a drop
	Reported  float64       `json:"reported_ratio"` // of what the kernel dropped
	CPU       float64       `json:"cpu"`            // cores that the tracer's process used
	Memory    uint64        `json:"memory_bytes"`
	First     time.Duration `json:"first_ns"`
	Cause     bool          `json:"cause"`
	Source    bool          `json:"source"`
}

// Summarize makes a row of a contender's runs and the untraced ones of the same
// rounds.
func Summarize(runs, untraced []Run) Row {
	row := Row{Rounds: len(runs), Cause: true, Source: true}
	each := func(value func(r, base Run) float64) float64 {
		values := make([]float64, len(runs))
		for i, r := range runs {
			values[i] = value(r, untraced[i])
		}
		return Median(values)
	}
	row.Packet = each(func(r, _ Run) float64 { return r.packet() })
	row.Ratio = each(func(r, base Run) float64 { return base.packet() / r.packet() })
	row.Added = each(func(r, base Run) float64 { return r.packet() - base.packet() })
	row.Reported = each(func(r, _ Run) float64 { return float64(r.Told.Drops) / float64(r.Dropped) })
	row.CPU = each(func(r, _ Run) float64 { return r.CPU.Seconds() / (r.Sent.Elapsed + settle).Seconds() })
	for _, r := range runs {
		row.Memory = max(row.Memory, r.Memory)
		row.First = max(row.First, r.First)
		row.Cause = row.Cause && r.Told.Cause
		row.Source = row.Source && r.Told.Source
	}
	return row
}

// packet is µs of CPU time a packet.
func (r Run) packet() float64 {
	return float64(r.Sent.CPU) / float64(time.Microsecond) / float64(r.Sent.Packets)
}

// Median is that of a list that is not empty.
func Median[T cmp.Ordered](values []T) T {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

// WriteTable writes rows as one aligned table.
func WriteTable(w io.Writer, rows []Row) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "scenario\tsources\tcontender\tµs/packet\tratio\tadded µs\treported\tCPU\tmemory\tfirst event\tcause\tsource")
	for _, r := range rows {
		fmt.Fprintf(t, "%s\t%d\t%s\t%.3f\t%.3f\t%.3f\t%s\t%s\t%s\t%s\t%s\t%s\n", r.Scenario, r.Sources, r.Contender,
			r.Packet, r.Ratio, r.Added,
			unless(r.Reported == 0, "%.6f", r.Reported),
			unless(r.Memory == 0, "%.1f %%", r.CPU*100),
			unless(r.Memory == 0, "%.0f MB", float64(r.Memory)/1e6),
			unless(r.Memory == 0, "%.2f s", r.First.Seconds()),
			yes(r.Cause), yes(r.Source))
	}
	return t.Flush()
}

func unless(missing bool, format string, value float64) string {
	if missing {
		return "-"
	}
	return fmt.Sprintf(format, value)
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "-"
}
