// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/synwatch/synwatch/pkg/cause"
)

// value is a flag that is given at most once.
type value[T any] struct {
	to    *T
	kind  string // how the help names the argument
	parse func(string) (T, error)
}

func valueOf[T any](to *T, kind string, parse func(string) (T, error)) pflag.Value {
	return value[T]{to, kind, parse}
}

func (v value[T]) Type() string   { return v.kind }
func (v value[T]) String() string { return "" }

func (v value[T]) Set(s string) (err error) {
	*v.to, err = v.parse(s)
	return err
}

// list is a flag that may be repeated, or given several values with commas.
type list[T any] struct {
	to    *[]T
	kind  string
	parse func(string) (T, error)
}

func listOf[T any](to *[]T, kind string, parse func(string) (T, error)) pflag.Value {
	return list[T]{to, kind, parse}
}

func (l list[T]) Type() string   { return l.kind }
func (l list[T]) String() string { return "" }

func (l list[T]) Set(s string) error {
	for part := range strings.SplitSeq(s, ",") {
		v, err := l.parse(strings.TrimSpace(part))
		if err != nil {
			return err
		}
		*l.to = append(*l.to, v)
	}
	return nil
}

func parseDuration(s string) (time.Duration, error) {
	if _, err := strconv.ParseFloat(s, 64); err == nil {
		return 0, fmt.Errorf("add a unit, e.g. %ss", s)
	}
	d, err := time.ParseDuration(s)
	switch {
	case err != nil:
		return 0, errors.New("must be a time, e.g. 30s, 10m or 1h30m")
	case d <= 0:
		return 0, errors.New("must be more than 0")
	}
	return d, nil
}

func parseCount(s string) (uint64, error) {
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil || n == 0 {
		return 0, errors.New("must be a number of records, at least 1")
	}
	return n, nil
}

func parseSources(s string) (int, error) {
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil || n == 0 || n > 1<<24 {
		return 0, errors.New("must be a number of sources from 1 to 16777216")
	}
	return int(n), nil
}

func parseCause(s string) (*cause.Cause, error) {
	if c, ok := cause.Lookup(s); ok {
		return c, nil
	}
	ids := causeIDs()
	if near := nearCauses(s, ids); s != "" && len(near) > 0 {
		return nil, errors.New("unknown cause" + didYouMean(near))
	}
	return nil, fmt.Errorf("unknown cause, the causes are %s", strings.Join(ids, ", "))
}

func causeIDs() []string {
	var ids []string
	for _, c := range cause.All() {
		ids = append(ids, c.ID)
	}
	return ids
}

// nearCauses are the causes that s begins, is a part of, or almost spells. They
// are found by the means that find near commands.
func nearCauses(s string, ids []string) []string {
	parent := &cobra.Command{SuggestionsMinimumDistance: 3}
	for _, id := range ids {
		parent.AddCommand(&cobra.Command{Use: id, Run: func(*cobra.Command, []string) {}})
	}
	near := parent.SuggestionsFor(s)
	for _, id := range ids {
		if strings.Contains(id, s) && !slices.Contains(near, id) {
			near = append(near, id)
		}
	}
	return near
}
