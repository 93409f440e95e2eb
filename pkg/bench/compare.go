// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"errors"
	"time"
)

// comparison are the runs of each contender under one load, the first of which is the
// untraced load.
type comparison struct {
	Bench
	contenders []Contender
	runs       [][]Run
	failed     []error
}

func (b Bench) comparison(contenders []Contender) *comparison {
	all := append([]Contender{Untraced}, contenders...)
	return &comparison{b, all, make([][]Run, len(all)), make([]error, len(all))}
}

// Compare measures the contenders in rounds, each once a round after the
// untraced load, so that what else the machine does meanwhile hits all alike.
// The first row is the untraced load's. An optional contender that fails is
// left out from then on.
func (b Bench) Compare(ctx context.Context, contenders []Contender, rounds int) ([]Row, error) {
	if _, err := b.Measure(ctx, Untraced); err != nil { // to warm up
		return nil, err
	}
	c := b.comparison(contenders)
	for range rounds {
		for i, contender := range c.contenders {
			if err := c.measure(ctx, i, contender); err != nil {
				return nil, err
			}
		}
	}
	return c.rows(), nil
}

// CompareInTurn puts each contender under all loads before the next one begins, so that
// a tracer starts once. What else the machine does meanwhile would hit one of them alone:
// it is for machines on which nothing else runs.
func CompareInTurn(ctx context.Context, benches []Bench, contenders []Contender, rounds int) ([]Row, error) {
	var all, warmUp []*comparison
	for _, b := range benches {
		all, warmUp = append(all, b.comparison(contenders)), append(warmUp, b.comparison(nil))
	}
	if err := measureAll(ctx, warmUp, 0, Untraced, 1); err != nil {
		return nil, err
	}
	for i, contender := range append([]Contender{Untraced}, contenders...) {
		keeping, stop := Keep(contender)
		err := measureAll(ctx, all, i, keeping, rounds)
		if err := errors.Join(err, stop()); err != nil {
			return nil, err
		}
	}
	var rows []Row
	for _, c := range all {
		rows = append(rows, c.rows()...)
	}
	return rows, nil
}

// rest is for the kernel to take away what the measurement before has left: connections
// that have ended for a minute (include/net/tcp.h:TCP_TIMEWAIT_LEN), namespaces, memory to
// be freed. Where instructions are counted, a time in which none are passes at once.
const rest = 65 * time.Second

func measureAll(ctx context.Context, all []*comparison, i int, contender Contender, rounds int) error {
	for _, c := range all {
		for range rounds {
			time.Sleep(rest)
			if err := c.measure(ctx, i, contender); err != nil {
				return err
			}
		}
	}
	return nil
}

// measure measures contender i once more.
func (c *comparison) measure(ctx context.Context, i int, contender Contender) error {
	if c.failed[i] != nil {
		return nil
	}
	r, err := c.Measure(ctx, contender)
	if err != nil && (!contender.Optional || ctx.Err() != nil) {
		return err
	}
	c.runs[i], c.failed[i] = append(c.runs[i], r), err
	return nil
}

func (c *comparison) rows() (rows []Row) {
	for i, contender := range c.contenders {
		row := Row{}
		if c.failed[i] == nil {
			row = summarize(c.runs[i], c.runs[0], UnitHere())
		} else {
			row.Missing = c.failed[i].Error()
		}
		row.Kernel, row.Package = kernelHere()
		row.Scenario, row.Contender = c.Scenario.Name, contender.Name
		if c.Scenario.Floods {
			row.Sources = c.Size.Sources
		}
		rows = append(rows, row)
	}
	return rows
}
