// SPDX-License-Identifier: Apache-2.0

package bench

import "slices"

// Row is what one contender did under one load: medians of its rounds.
type Row struct {
	Kernel     string  `json:"kernel,omitempty"`  // of the matrix's, in a virtual machine
	Package    string  `json:"package,omitempty"` // of that kernel, and the version
	Scenario   string  `json:"scenario"`
	Sources    uint32  `json:"sources,omitempty"`
	Contender  string  `json:"contender"`
	Rounds     int     `json:"rounds"`
	Packets    uint64  `json:"packets"`    // of a round, or connections
	Unit       Unit    `json:"unit"`       // of Packet and Added
	Packet     float64 `json:"packet"`     // CPU time a packet, or a connection
	Ratio      float64 `json:"ratio"`      // of the untraced packets a second of CPU time
	Added      float64 `json:"added"`      // CPU time a packet
	Reported   float64 `json:"reported"`   // of what the kernel dropped
	Sourceless float64 `json:"sourceless"` // of what was reported
	CPU        float64 `json:"cpu"`        // of a core, that the tracer's process used
	Memory     uint64  `json:"memory_bytes"`
	Attached   float64 `json:"attached_s,omitempty"`
	First      float64 `json:"first_s"`
	Needle     float64 `json:"needle_s,omitempty"`
	Cause      bool    `json:"cause"`
	Source     bool    `json:"source"`
	Costs      []Cost  `json:"programs,omitempty"` // of the last round
	// Missing says why it could not be measured, if so.
	Missing string `json:"missing,omitempty"`
}

// summarize makes a row of a contender's runs and the untraced ones of the same
// rounds.
func summarize(runs, untraced []Run, unit Unit) Row {
	each := func(value func(r, base Run) float64) float64 {
		values := make([]float64, len(runs))
		for i, r := range runs {
			values[i] = value(r, untraced[i])
		}
		return median(values)
	}
	row := Row{
		Rounds:     len(runs),
		Packets:    runs[0].Sent.Packets,
		Unit:       unit,
		Packet:     each(func(r, _ Run) float64 { return r.packet(unit) }),
		Ratio:      each(func(r, base Run) float64 { return per(base.packet(unit), r.packet(unit)) }),
		Added:      each(func(r, base Run) float64 { return r.packet(unit) - base.packet(unit) }),
		Reported:   each(func(r, _ Run) float64 { return per(float64(r.Report.Drops), float64(r.Dropped)) }),
		Sourceless: each(func(r, _ Run) float64 { return per(float64(r.Report.Sourceless), float64(r.Report.Drops)) }),
		CPU:        each(func(r, _ Run) float64 { return per(r.CPU.Seconds(), (r.Sent.Elapsed + settle).Seconds()) }),
		Attached:   each(func(r, _ Run) float64 { return r.Report.Attached.Seconds() }),
		First:      each(func(r, _ Run) float64 { return r.First.Seconds() }),
		Needle:     each(func(r, _ Run) float64 { return r.Needle.Seconds() }),
		Cause:      true, Source: true,
	}
	for _, r := range runs {
		row.Memory = max(row.Memory, r.Memory)
		row.Cause = row.Cause && r.Report.Cause
		row.Source = row.Source && r.Report.Source
		row.Costs = r.Costs
	}
	if !row.Source {
		row.Needle = 0 // it could not be distinguished from the flood
	}
	return row
}

// packet is CPU time a packet.
func (r Run) packet(unit Unit) float64 {
	return per(unit.of(r.Sent.CPU), float64(r.Sent.Packets))
}

// per is a quotient, 0 where there is nothing to divide by.
func per(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

// median is that of a list that is not empty.
func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	mid := len(sorted) / 2
	if len(sorted)%2 == 0 {
		return (sorted[mid-1] + sorted[mid]) / 2
	}
	return sorted[mid]
}
