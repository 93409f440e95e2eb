// SPDX-License-Identifier: Apache-2.0

// Package filter is the language in which a part of a run's records is asked for: words
// that mean what trace's flags of the same name mean, such as
//
//	port:443 src:10.0.0.0/8 cause:accept -listener:nginx
//
// Several values of one key are alternatives, and different keys must all hold. A word
// without a key must be part of something that is shown of the record, and several of
// them must all be. A - or ! in front of a word means those that it does not fit.
package filter

import (
	"slices"

	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/synwatch/synwatch/pkg/state"
	"github.com/synwatch/synwatch/pkg/stream"
)

// Filter lets a part of the records through. The zero Filter lets all through.
type Filter struct {
	groups []group
}

// group is the words of one key, or one word without a key.
type group struct {
	key     string
	any     []test // one of these has to fit, if there are any
	none    []test // and none of these may
	written []string
}

// Parse reads a filter. Its error names the word that is wrong, and what is possible.
func Parse(text string) (Filter, error) {
	var f Filter
	words, err := split(text)
	if err != nil {
		return Filter{}, err
	}
	for _, w := range words {
		tests, err := w.tests()
		if err != nil {
			return Filter{}, err
		}
		g := f.group(w)
		if w.negated {
			g.none = append(g.none, tests...)
		} else {
			g.any = append(g.any, tests...)
		}
		g.written = append(g.written, w.String())
	}
	return f, nil
}

// group is that of the word's key.
func (f *Filter) group(w word) *group {
	at := slices.IndexFunc(f.groups, func(g group) bool { return w.key != "" && g.key == w.key })
	if at < 0 {
		at = len(f.groups)
		f.groups = append(f.groups, group{key: w.key})
	}
	return &f.groups[at]
}

// Empty says that the filter lets everything through.
func (f Filter) Empty() bool { return len(f.groups) == 0 }

// String is the filter as Parse reads it, with the words of one key side by side.
func (f Filter) String() string {
	var words []string
	for _, g := range f.groups {
		words = append(words, g.written...)
	}
	return join(words)
}

// Match says whether the record is among those asked for.
func (f Filter) Match(r *stream.Record) bool { return f.match(ofRecord(r)) }

// MatchPlace says whether records of the place may be among those asked for. It tells
// nothing of their sources and stages: words of these keys let it through, and a word without a
// key is looked for in what it does tell. So it is with the other totals.
func (f Filter) MatchPlace(p *state.Place) bool { return f.match(ofPlace(p)) }

// MatchSource says whether records of this cause from this source may be among those
// asked for.
func (f Filter) MatchSource(c *cause.Cause, s *state.Source) bool { return f.match(ofSource(c, s.Src)) }

func (f Filter) match(s *subject) bool {
	return !slices.ContainsFunc(f.groups, func(g group) bool { return !g.match(s) })
}

func (g *group) match(s *subject) bool {
	if slices.ContainsFunc(g.none, func(fits test) bool { return fits(s) == yes }) {
		return false
	}
	return len(g.any) == 0 || slices.ContainsFunc(g.any, func(fits test) bool { return fits(s) != no })
}
