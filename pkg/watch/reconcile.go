// SPDX-License-Identifier: Apache-2.0

package watch

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/synwatch/synwatch/pkg/event"
)

// reconciler sets the kernel's counters against what was attributed.
type reconciler struct {
	ledger     *ledger
	attributed movement
	name       func(netns uint32) string
	netns      []uint32 // the only ones to look at; empty for all
	filtered   bool
	losses     event.Losses
	unseen     []cause.Unseen
}

// rows lists the counters that this kernel has and that are not zero on both
// sides, by namespace and in the order of the catalogue, and the totals that can only be of stages out of sight.
func (r *reconciler) rows() ([]Row, []UnseenTotal) {
	rows, unseen := []Row{}, []UnseenTotal{}
	moved := maps.Clone(r.ledger.moved)
	maps.Copy(moved, r.attributed)
	for _, netns := range slices.Sorted(maps.Keys(moved)) {
		if len(r.netns) > 0 && !slices.Contains(r.netns, netns) {
			continue
		}
		own := r.rowsOf(netns)
		totals := r.totals(own)
		for i := range own {
			own[i].Why = strings.Join(r.why(&own[i], totals), "; ")
		}
		rows, unseen = append(rows, own...), addTotals(unseen, totals)
	}
	return rows, unseen
}

func (r *reconciler) rowsOf(netns uint32) []Row {
	var rows []Row
	for _, counter := range cause.Counters() {
		row := Row{
			Netns: netns, Counter: counter,
			Kernel: r.ledger.moved[netns][counter], Attributed: r.attributed[netns][counter],
		}
		if (row.Kernel != 0 || row.Attributed != 0) && r.ledger.has(counter) {
			row.NetnsName = r.name(netns)
			rows = append(rows, row)
		}
	}
	return rows
}

// totals takes from the rows of one namespace what can only be of stages that
// the run cannot see.
func (r *reconciler) totals(rows []Row) []UnseenTotal {
	left := map[string]uint64{}
	for _, row := range rows {
		if row.Kernel > row.Attributed {
			left[row.Counter] = row.Kernel - row.Attributed
		}
	}
	var totals []UnseenTotal
	for _, u := range r.unseen {
		n := left[u.Counter]
		if n == 0 {
			continue
		}
		totals = append(totals, UnseenTotal{Unseen: u, Count: n})
		for _, also := range u.Also {
			left[also] -= min(n, left[also])
		}
	}
	return totals
}

// addTotals adds those of another namespace.
func addTotals(sum, more []UnseenTotal) []UnseenTotal {
	for _, t := range more {
		at := slices.IndexFunc(sum, func(s UnseenTotal) bool { return s.Counter == t.Counter })
		if at < 0 {
			sum = append(sum, t)
		} else {
			sum[at].Count += t.Count
		}
	}
	return sum
}

func (r *reconciler) why(row *Row, unseen []UnseenTotal) []string {
	if !r.ledger.knows(row.Netns) {
		return []string{"the namespace's counters could not be read"}
	}
	var why []string
	if !r.ledger.here[row.Netns] {
		why = append(why, "the namespace is gone, this is what its counters said last")
	}
	if row.Kernel == row.Attributed {
		return why
	}
	if row.Kernel > row.Attributed {
		why = append(why, r.whyMore(row, unseen)...)
	}
	if n := r.ledger.unsure[row.Netns][row.Counter]; n > 0 {
		why = append(why, fmt.Sprintf("%d came while the hooks were being switched on or off", n))
	}
	if why == nil {
		why = append(why, "nothing that is known explains it")
	}
	return why
}

// whyMore says why the kernel may have counted more than was attributed.
func (r *reconciler) whyMore(row *Row, unseen []UnseenTotal) []string {
	var why []string
	var stages []cause.Stage
	for _, u := range unseen {
		if u.Counter == row.Counter || slices.Contains(u.Also, row.Counter) {
			stages = append(stages, u.Stages...)
		}
	}
	if stages != nil {
		why = append(why, "this run sees only the total of "+JoinStages(stages))
	}
	if r.filtered {
		why = append(why, "counters cannot be filtered by address or port")
	}
	if r.losses.Lost > 0 {
		why = append(why, fmt.Sprintf("%d drops were lost", r.losses.Lost))
	}
	if r.losses.Missed > 0 {
		why = append(why, fmt.Sprintf("the kernel did not show %d calls of hooked functions", r.losses.Missed))
	}
	return why
}

// JoinStages lists stages in words: "accept-queue-full (syn, ack), syn-refused".
func JoinStages(stages []cause.Stage) string {
	var words []string
	for i := 0; i < len(stages); {
		c := stages[i].Cause
		var names []string
		for ; i < len(stages) && stages[i].Cause == c; i++ {
			if stages[i].Stage == "" {
				words = append(words, c.ID)
			} else {
				names = append(names, stages[i].Stage)
			}
		}
		if names != nil {
			words = append(words, c.ID+" ("+strings.Join(names, ", ")+")")
		}
	}
	return strings.Join(words, ", ")
}
