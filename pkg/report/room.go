// SPDX-License-Identifier: Apache-2.0

package report

// room is how many rows of each kind there is room for.
type room struct{ sources, ranges, places, queues, tables, reconcile, findings, captures int }

// roomy is more than a reader looks at.
var roomy = room{sources: 200, ranges: 50, places: 150, queues: 50, tables: 30, reconcile: 80, findings: 25, captures: 60}

func (r room) half() room {
	return room{
		r.sources / 2, r.ranges / 2, r.places / 2, r.queues / 2, r.tables / 2, r.reconcile / 2, r.findings / 2, r.captures / 2,
	}
}

// cut returns a report that has no more rows than there is room for, and says how many
// are left out.
func (r *Report) cut(most room) *Report {
	c := *r
	c.Cut.equal = 0
	for i := most.reconcile; i < len(r.Reconcile); i++ {
		if r.Reconcile[i].Equal() {
			c.Cut.equal++
		}
	}
	c.Sources = first(r.Sources, most.sources, &c.Cut.Sources)
	c.Ranges = first(r.Ranges, most.ranges, &c.Cut.Ranges)
	c.Places = first(r.Places, most.places, &c.Cut.Places)
	c.Queues = first(r.Queues, most.queues, &c.Cut.Queues)
	c.Tables = first(r.Tables, most.tables, &c.Cut.Tables)
	c.Reconcile = first(r.Reconcile, most.reconcile, &c.Cut.Reconcile)
	c.Findings = first(r.Findings, most.findings, &c.Cut.Findings)
	c.Captures = first(r.Captures, most.captures, &c.Cut.Captures)
	c.Unseen = first(r.Unseen, most.tables, new(int))
	return &c
}

func first[T any](of []T, most int, left *int) []T {
	*left = max(len(of)-most, 0)
	return of[:len(of)-*left]
}
