// SPDX-License-Identifier: Apache-2.0

package watch

import (
	"bytes"
	"encoding/json"
	"slices"
	"time"

	"github.com/synwatch/synwatch/pkg/diagnose"
)

const (
	// lookAgain is how long what was looked at for findings is good for, and lookShare
	// bounds the time that looking may take: one part in so many.
	lookAgain = 10 * time.Second
	lookShare = 50
	// sameFindings is the least time between two samples of the same findings, of which
	// only the numbers have changed.
	sameFindings = 10 * time.Second
)

// findingsTold are the findings so far as they were told last.
type findingsTold struct {
	looker
	memory uint64
	now    func() time.Time
	seen   map[spot]*seen
	found  []diagnose.Finding // that are to be told, now or later; nil for none
	told   time.Time
	kinds  []findingKind
	text   []byte // as JSON
}

// seen is what was looked at of a spot.
type seen struct {
	diagnose.Seen
	again time.Time // when it is fair to look again
}

// findingKind is a finding without its numbers.
type findingKind struct {
	id, cause string
	severity  diagnose.Severity
	netns     uint32
}

func newFindingsTold(cfg *Config) findingsTold {
	return findingsTold{looker: newLooker(cfg), memory: cfg.Machine.Memory, now: cfg.Now, text: []byte("[]")}
}

// changed are the findings if they are not as they were told; else nil.
func (f *findingsTold) changed(m *measured, stopping func() bool) []diagnose.Finding {
	if m.counted != nil && !stopping() {
		f.workOut(m.counted, stopping)
	}
	if f.found == nil || !f.news(m.time) {
		return nil
	}
	found := f.found
	f.found = nil
	return found
}

// workOut works the findings out, of what was looked at lately or is looked at now.
func (f *findingsTold) workOut(counted []counted, stopping func() bool) {
	used := map[spot]*seen{}
	f.found = findings(counted, f.memory, func(at spot) diagnose.Seen {
		used[at] = f.lookAt(at, stopping)
		return used[at].Seen
	})
	f.seen = used
}

// lookAt looks at a spot, unless it was looked at a while ago.
func (f *findingsTold) lookAt(at spot, stopping func() bool) *seen {
	began := f.now()
	if known := f.seen[at]; known != nil && began.Before(known.again) {
		return known
	}
	now := &seen{}
	if stopping() {
		return now
	}
	now.Seen, _ = f.look(at) // the user is told at the end, when it is looked at again
	took := f.now().Sub(began)
	now.again = began.Add(max(lookAgain, lookShare*took))
	return now
}

// news says whether the findings are to be told, and notes it.
func (f *findingsTold) news(now time.Time) bool {
	text, err := json.Marshal(f.found)
	if err != nil || bytes.Equal(text, f.text) {
		return false
	}
	kinds := make([]findingKind, 0, len(f.found))
	for _, x := range f.found {
		kinds = append(kinds, findingKind{x.ID, x.Cause, x.Severity, x.Netns})
	}
	if slices.Equal(kinds, f.kinds) && now.Sub(f.told) < sameFindings {
		return false
	}
	f.told, f.kinds, f.text = now, kinds, text
	return true
}
