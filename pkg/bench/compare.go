// SPDX-License-Identifier: Apache-2.0

package bench

import "context"

// Compare measures the contenders under a load in rounds, each once a round and
// the untraced load before it, so that what else the machine does meanwhile
// hits all alike. The first row is the untraced load.
func Compare(ctx context.Context, l *Load, contenders []Contender, rounds int) ([]Row, error) {
	all := append([]Contender{Untraced}, contenders...)
	runs := make([][]Run, len(all))
	for range rounds {
		for i, c := range all {
			r, err := l.Measure(ctx, c)
			if err != nil {
				return nil, err
			}
			runs[i] = append(runs[i], r)
		}
	}
	rows := make([]Row, len(all))
	for i, c := range all {
		rows[i] = Summarize(runs[i], runs[0])
		rows[i].Contender = c.Name
	}
	return rows, nil
}
