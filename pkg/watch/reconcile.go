// SPDX-License-Identifier: Apache-2.0

package watch

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/stream"
)

// reconciler sets the kernel's counters against what was attributed.
type reconciler struct {
	namespaces *namespaces
	name       func(*namespace) string
	lack       func(n *namespace, counter string) error
	filtered   bool
	losses     event.Losses
	unseen     []cause.Unseen
	// passes is event.Coverage.Passes.
	passes bool
	// running says that the run goes on.
	running bool
}

// rows lists the counters that this kernel has and that are not zero on both sides, by
// namespace and in the order of the catalogue. It also returns the totals that can only
// be of stages that the hooks do not show. The last rows are the sum of the namespaces
// that are not listed.
func (r *reconciler) rows() ([]stream.Row, []stream.UnseenTotal) {
	rows, unseen := []stream.Row{}, []stream.UnseenTotal{}
	add := func(own []stream.Row, of *reconciled, whose []string) {
		totals := r.totals(own)
		for i := range own {
			if own[i].Why == "" {
				own[i].Why = strings.Join(r.why(&own[i], of, whose, totals), "; ")
			}
		}
		rows, unseen = append(rows, own...), addTotals(unseen, totals)
	}
	for _, n := range r.namespaces.sorted() {
		lack := func(counter string) error { return r.lack(n, counter) }
		own := r.rowsOf(stream.Row{Netns: n.id.Inode, Cookie: n.id.Cookie, Namespaces: 1}, &n.reconciled, lack)
		for i := range own {
			own[i].NetnsName = r.name(n)
		}
		add(own, &n.reconciled, r.namespaces.state(n))
	}
	if n := r.namespaces.numGone; n > 0 {
		row := stream.Row{NetnsName: fmt.Sprintf("%d namespaces that are gone", n), Namespaces: n}
		add(r.rowsOf(row, &r.namespaces.gone, func(string) error { return nil }), &r.namespaces.gone, []string{"the sum of namespaces that are gone, of which there were too many to list"})
	}
	return rows, unseen
}

// rowsOf lists the rows of one namespace, which are like row. One of a counter that
// could not be read says so.
func (r *reconciler) rowsOf(row stream.Row, of *reconciled, lack func(counter string) error) []stream.Row {
	var rows []stream.Row
	for _, counter := range cause.Counters() {
		row.Counter, row.Kernel, row.Attributed, row.Why = counter, of.moved[counter], of.attributed[counter], ""
		if row.Kernel == 0 && row.Attributed == 0 {
			continue
		}
		if err := lack(counter); err != nil {
			row.Why = err.Error()
		} else if !r.namespaces.counters[counter] {
			continue
		}
		rows = append(rows, row)
	}
	return rows
}

// state returns remarks on a namespace's counters.
func (ns *namespaces) state(n *namespace) []string {
	switch {
	case n.last == nil:
		return []string{unread}
	case !ns.here(n):
		said := "the namespace is gone, this is what its counters said last"
		if age := n.seen.Sub(n.read); age >= time.Second {
			said += fmt.Sprintf(", %.0f s before it was last there", age.Seconds())
		}
		return []string{said}
	}
	return nil
}

// totals takes from the rows of one namespace what can only be of stages that
// the run cannot see.
func (r *reconciler) totals(rows []stream.Row) []stream.UnseenTotal {
	left := map[string]uint64{}
	for _, row := range rows {
		if row.Kernel > row.Attributed {
			left[row.Counter] = row.Kernel - row.Attributed
		}
	}
	var totals []stream.UnseenTotal
	for _, u := range r.unseen {
		n := left[u.Counter]
		if n == 0 {
			continue
		}
		totals = append(totals, stream.UnseenTotal{Unseen: u, Count: n})
		for _, also := range u.Also {
			left[also] -= min(n, left[also])
		}
	}
	return totals
}

// addTotals adds those of another namespace.
func addTotals(sum, more []stream.UnseenTotal) []stream.UnseenTotal {
	for _, t := range more {
		at := slices.IndexFunc(sum, func(s stream.UnseenTotal) bool { return s.Counter == t.Counter })
		if at < 0 {
			sum = append(sum, t)
		} else {
			sum[at].Count += t.Count
		}
	}
	return sum
}

// unread is the remark on a namespace whose counters are not known.
const unread = "the namespace's counters could not be read"

// why says why the two sides of a row differ, as far as it is known, after what is
// said of its namespace.
func (r *reconciler) why(row *stream.Row, of *reconciled, whose []string, unseen []stream.UnseenTotal) []string {
	why := slices.Clone(whose)
	if row.Kernel == row.Attributed || slices.Contains(whose, unread) {
		return why
	}
	if row.Kernel > row.Attributed {
		why = append(why, r.whyMore(row, unseen)...)
	}
	if n := of.uncertain[row.Counter]; n > 0 {
		why = append(why, fmt.Sprintf("%d came while the hooks were being switched on or off", n))
	}
	switch {
	case why == nil && r.running:
		why = append(why, "counters and drops are not read at the same moment")
	case why == nil:
		why = append(why, "nothing that is known explains it")
	}
	return why
}

// hookless is what moves a counter where no hook is: net/ipv4/udp.c:udp_sendmsg and the
// like look for a route before there is a packet.
var hookless = map[string]string{
	"IpOutNoRoutes":  withoutRoute,
	"Ip6OutNoRoutes": withoutRoute,
}

const withoutRoute = "it also counts each sendto() and connect() of another protocol that finds no route, which makes no packet"

// whyMore says why the kernel may have counted more than was attributed.
func (r *reconciler) whyMore(row *stream.Row, unseen []stream.UnseenTotal) []string {
	var why []string
	var stages []cause.Stage
	for _, u := range unseen {
		if u.Counter == row.Counter || slices.Contains(u.Also, row.Counter) {
			stages = append(stages, u.Stages...)
		}
	}
	if stages != nil {
		why = append(why, "this run sees only the total of "+cause.JoinStages(stages))
	}
	if also, ok := hookless[row.Counter]; ok {
		why = append(why, also)
	}
	if r.passes && slices.Contains(cause.SYNCounters(), row.Counter) {
		why = append(why, "a SYN is left out where something else may have moved its counter")
	}
	if r.filtered {
		why = append(why, "counters cannot be filtered by address, port, direction or protocol")
	}
	if r.losses.Lost > 0 {
		why = append(why, fmt.Sprintf("%d drops were lost", r.losses.Lost))
	}
	if r.losses.Missed > 0 {
		why = append(why, fmt.Sprintf("the kernel did not show %d calls of hooked functions", r.losses.Missed))
	}
	return why
}
