// SPDX-License-Identifier: Apache-2.0

package nstat

import (
	"strconv"
	"strings"
)

// Softnet is the work of all CPUs on incoming packets since boot.
type Softnet struct {
	Processed uint64 `json:"processed"`
	// Dropped is what found a CPU's queue of netdev_max_backlog packets full.
	Dropped uint64 `json:"dropped"`
	// Squeezed is how often a CPU left off for the time being with work to do.
	Squeezed uint64 `json:"squeezed"`
	// Steered is how often another CPU handed packets over (RPS), 0 on kernels
	// that do not tell.
	Steered uint64 `json:"steered"`
	// CPUs are the counters of each CPU that is online, by its number; nil where
	// the kernel does not tell the number, before 5.7 (7d58e6555870).
	CPUs map[int]Softnet `json:"-"`
	// Lines are the counters of each CPU that is online, in the file's order, also
	// where the numbers are not known; nil for a difference.
	Lines []Softnet `json:"-"`
}

// The columns of /proc/net/softnet_stat, net/core/net-procfs.c:softnet_seq_show.
const (
	softnetProcessed = iota
	softnetDropped
	softnetSqueezed
	softnetSteered = 9
	softnetCPU     = 12
)

// ParseSoftnet reads /proc/net/softnet_stat, a line of hexadecimal numbers for
// each CPU that is online. It is nil when there is none.
func ParseSoftnet(text string) *Softnet {
	var sum *Softnet
	for line := range strings.Lines(text) {
		n, ok := parseHexadecimal(strings.Fields(line))
		if !ok || len(n) <= softnetSqueezed {
			continue
		}
		if sum == nil {
			sum = &Softnet{}
		}
		one := Softnet{Processed: n[softnetProcessed], Dropped: n[softnetDropped], Squeezed: n[softnetSqueezed]}
		if len(n) > softnetSteered {
			one.Steered = n[softnetSteered]
		}
		sum.add(&one)
		sum.Lines = append(sum.Lines, one)
		if len(n) > softnetCPU {
			if sum.CPUs == nil {
				sum.CPUs = map[int]Softnet{}
			}
			sum.CPUs[int(n[softnetCPU])] = one
		}
	}
	return sum
}

func parseHexadecimal(fields []string) (numbers []uint64, ok bool) {
	for _, field := range fields {
		n, err := strconv.ParseUint(field, 16, 64)
		if err != nil {
			return nil, false
		}
		numbers = append(numbers, n)
	}
	return numbers, true
}

func (s *Softnet) add(o *Softnet) {
	s.Processed, s.Dropped, s.Squeezed = s.Processed+o.Processed, s.Dropped+o.Dropped, s.Squeezed+o.Squeezed
	s.Steered += o.Steered
}

// Since is what was counted after before, which is nil for unknown. A CPU that
// goes offline takes its counters out of the file and brings them back when it
// comes online: only those CPUs count that are in both. Without the CPUs' numbers
// the difference of sums that fell is not known, and nil.
func (s *Softnet) Since(before *Softnet) *Softnet {
	switch {
	case before == nil:
		return nil
	case s.CPUs != nil && before.CPUs != nil:
		delta := &Softnet{CPUs: map[int]Softnet{}}
		for cpu, now := range s.CPUs {
			if old, ok := before.CPUs[cpu]; ok {
				one := now.sinceOnOneCPU(&old)
				delta.CPUs[cpu] = *one
				delta.add(one)
			}
		}
		return delta
	case s.Processed < before.Processed || s.Dropped < before.Dropped || s.Squeezed < before.Squeezed, s.Steered < before.Steered:
		return nil
	}
	return &Softnet{
		Processed: s.Processed - before.Processed, Dropped: s.Dropped - before.Dropped,
		Squeezed: s.Squeezed - before.Squeezed, Steered: s.Steered - before.Steered,
	}
}

// sinceOnOneCPU subtracts counters that are unsigned int in the kernel, and wrap
// around (include/linux/netdevice.h:struct softnet_data).
func (s *Softnet) sinceOnOneCPU(before *Softnet) *Softnet {
	return &Softnet{
		Processed: uint64(uint32(s.Processed - before.Processed)), Dropped: uint64(uint32(s.Dropped - before.Dropped)),
		Squeezed: uint64(uint32(s.Squeezed - before.Squeezed)), Steered: uint64(uint32(s.Steered - before.Steered)),
	}
}
