// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// Counted are the instructions of each load on one kernel.
type Counted struct {
	// Kernel is its name among those of the matrix, Package where it is from, with the
	// version.
	Kernel, Package string
	Loads           []LoadCount
}

// LoadCount is what a packet of a load, or a connection, takes.
type LoadCount struct {
	Scenario string
	Sources  int // of a flood, 0 otherwise
	Untraced int
	// Added is what contenders add, by their names.
	Added map[string]int
}

// tracer is the contender that is judged. The others show what no tracer can avoid.
const tracer = "synwatch"

// Count makes the counts of rows of one kernel.
func Count(rows []Row) (c Counted, err error) {
	if len(rows) == 0 {
		return c, errors.New("nothing was measured")
	}
	for _, r := range rows {
		switch {
		case r.Missing != "":
			return c, fmt.Errorf("%s on %s was not measured: %s", r.Scenario, r.Kernel, r.Missing)
		case r.Unit != Instructions:
			return c, fmt.Errorf("%s on %s was measured in %s, not in instructions", r.Scenario, r.Kernel, r.Unit)
		case r.Contender == tracer && r.Sources > 0 && r.Reported < 1:
			return c, fmt.Errorf("%s reported %.6f of the drops of %s on %s: what it costs says nothing", tracer, r.Reported, r.Scenario, r.Kernel)
		case r.Kernel == "" || r.Package == "":
			return c, fmt.Errorf("%s was measured on a kernel that is from no package", r.Scenario)
		case len(c.Loads) > 0 && (r.Kernel != c.Kernel || r.Package != c.Package):
			return c, fmt.Errorf("rows of two kernels: %s (%s) and %s (%s)", c.Kernel, c.Package, r.Kernel, r.Package)
		}
		c.Kernel, c.Package = r.Kernel, r.Package
		if r.Contender == Untraced.Name {
			c.Loads = append(c.Loads, LoadCount{r.Scenario, int(r.Sources), round(r.Packet), map[string]int{}})
			continue
		}
		l := c.load(r.Scenario, int(r.Sources))
		if l == nil {
			return c, fmt.Errorf("%s on %s was not measured without a tracer", r.Scenario, r.Kernel)
		}
		l.Added[r.Contender] = round(r.Added)
	}
	return c, nil
}

func round(n float64) int { return int(math.Round(n)) }

// load finds a load, or returns nil.
func (c Counted) load(scenario string, sources int) *LoadCount {
	at := slices.IndexFunc(c.Loads, func(l LoadCount) bool { return l.Scenario == scenario && l.Sources == sources })
	if at < 0 {
		return nil
	}
	return &c.Loads[at]
}

// ratio is that of the packets in the same number of instructions.
func (l LoadCount) ratio() float64 {
	return per(float64(l.Untraced), float64(l.Untraced+l.Added[tracer]))
}

// What the tracer adds may grow by growth, a part of it, or by chance, a part of what the
// load takes without it: so much may the same load differ from run to run.
const (
	growth = 0.10
	chance = 0.005
)

// Grown says where the tracer adds more than it may, by what it did on the same kernel, or
// was not measured any more.
func (c Counted) Grown(before Counted) (worse []string) {
	for _, old := range before.Loads {
		what := fmt.Sprintf("%s, %d sources, on %s", old.Scenario, old.Sources, c.Kernel)
		if old.Sources == 0 {
			what = fmt.Sprintf("%s on %s", old.Scenario, c.Kernel)
		}
		now := c.load(old.Scenario, old.Sources)
		if now == nil {
			worse = append(worse, what+" was not measured")
			continue
		}
		was, is := old.Added[tracer], now.Added[tracer]
		if float64(is-was) > max(growth*math.Abs(float64(was)), chance*float64(old.Untraced)) {
			worse = append(worse, fmt.Sprintf("%s: synwatch adds %d instructions, and added %d", what, is, was))
		}
	}
	return worse
}
