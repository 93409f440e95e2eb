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
	names      map[uint32]string
	netns      []uint32 // the only ones to look at; empty for all
	filtered   bool
	losses     event.Losses
	unseen     []cause.Unseen
}

// rows lists what is not zero on both sides, by namespace and in the order of
// the catalogue.
func (r *reconciler) rows() []Row {
	rows := []Row{}
	seen := maps.Clone(r.ledger.moved)
	maps.Copy(seen, r.attributed)
	for _, netns := range slices.Sorted(maps.Keys(seen)) {
		if len(r.netns) > 0 && !slices.Contains(r.netns, netns) {
			continue
		}
		for _, counter := range cause.Counters() {
			row := Row{
				Netns: netns, NetnsName: r.names[netns], Counter: counter,
				Kernel: r.ledger.moved[netns][counter], Attributed: r.attributed[netns][counter],
			}
			if row.Kernel != 0 || row.Attributed != 0 {
				row.Why = strings.Join(r.why(&row), "; ")
				rows = append(rows, row)
			}
		}
	}
	return rows
}

func (r *reconciler) why(row *Row) []string {
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
		why = append(why, r.whyMore(row)...)
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
func (r *reconciler) whyMore(row *Row) []string {
	var why []string
	if stages := r.unseenIn(row.Counter); stages != nil {
		why = append(why, "this run sees only the total of "+JoinStages(stages))
	}
	if r.filtered {
		why = append(why, "counters cannot be filtered by address or port")
	}
	if r.losses.Lost > 0 {
		why = append(why, fmt.Sprintf("%d drops were lost", r.losses.Lost))
	}
	if r.losses.Unattributed > 0 {
		why = append(why, fmt.Sprintf("%d drops could not be attributed", r.losses.Unattributed))
	}
	return why
}

// unseenIn lists the unseen stages that move the counter.
func (r *reconciler) unseenIn(counter string) []cause.Stage {
	var stages []cause.Stage
	for _, u := range r.unseen {
		if u.Counter == counter || slices.Contains(u.Also, counter) {
			stages = append(stages, u.Stages...)
		}
	}
	return stages
}

// totals takes from the rows what can only be of stages that the run cannot see.
func (r *reconciler) totals(rows []Row) []UnseenTotal {
	left := map[string]uint64{}
	for _, row := range rows {
		if row.Kernel > row.Attributed {
			left[row.Counter] += row.Kernel - row.Attributed
		}
	}
	totals := []UnseenTotal{}
	for _, u := range r.unseen {
		n := left[u.Counter]
		if n == 0 {
			continue
		}
		totals = append(totals, UnseenTotal{Stages: u.Stages, Counter: u.Counter, Count: n})
		for _, also := range u.Also {
			left[also] -= min(n, left[also])
		}
	}
	return totals
}

// JoinStages lists stages in words: "accept-queue-full (syn, ack), syn-refused".
func JoinStages(stages []cause.Stage) string {
	var words []string
	for i := 0; i < len(stages); {
		c := stages[i].Cause
		var names []string
		for ; i < len(stages) && stages[i].Cause == c; i++ {
			if stages[i].Stage != "" {
				names = append(names, stages[i].Stage)
			}
		}
		word := c.ID
		if names != nil {
			word += " (" + strings.Join(names, ", ") + ")"
		}
		words = append(words, word)
	}
	return strings.Join(words, ", ")
}
