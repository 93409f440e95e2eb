// SPDX-License-Identifier: Apache-2.0

package bench

import "context"

// Compare measures the contenders in rounds, each once a round after the
// untraced load, so that what else the machine does meanwhile hits all alike.
// The first row is the untraced load's. An optional contender that fails is
// left out from then on.
func (b Bench) Compare(ctx context.Context, contenders []Contender, rounds int) ([]Row, error) {
	all := append([]Contender{Untraced}, contenders...)
	runs, failed := make([][]Run, len(all)), make([]error, len(all))
	if _, err := b.Measure(ctx, Untraced); err != nil { // to warm up
		return nil, err
	}
	for range rounds {
		for i, c := range all {
			if failed[i] != nil {
				continue
			}
			r, err := b.Measure(ctx, c)
			if err != nil && (!c.Optional || ctx.Err() != nil) {
				return nil, err
			}
			runs[i], failed[i] = append(runs[i], r), err
		}
	}
	var rows []Row
	for i, c := range all {
		row := Row{}
		if failed[i] == nil {
			row = summarize(runs[i], runs[0], UnitHere())
		} else {
			row.Missing = failed[i].Error()
		}
		row.Scenario, row.Contender = b.Scenario.Name, c.Name
		if b.Scenario.Floods {
			row.Sources = b.Size.Sources
		}
		rows = append(rows, row)
	}
	return rows, nil
}
