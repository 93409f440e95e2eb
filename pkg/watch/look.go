// SPDX-License-Identifier: Apache-2.0

package watch

import (
	"github.com/synwatch/synwatch/pkg/conntrack"
	"github.com/synwatch/synwatch/pkg/diagnose"
	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/synwatch/synwatch/pkg/sockets"
	"github.com/synwatch/synwatch/pkg/survey"
)

// looker looks at the places of drops for what the rules of findings need to know.
type looker struct {
	table   func(netns.ID) (*conntrack.NetnsTable, error)
	waiting func(netns.ID, uint16) (sockets.Waiting, error)
	survey  func(netns.ID) (*survey.Snapshot, error)
}

func newLooker(cfg *Config) looker { return looker{cfg.Table, cfg.Waiting, cfg.Survey} }

// spot is what there is to look at, for one of the needs.
type spot struct {
	need  diagnose.Needs
	netns netns.ID
	port  uint16 // of the accept queue
}

// spots is what the rules about a cause need to know of a place.
func spots(cause string, id netns.ID, port uint16) []spot {
	var found []spot
	needs := diagnose.NeedsOf(cause)
	if needs.Has(diagnose.NeedsTable) {
		found = append(found, spot{diagnose.NeedsTable, id, 0})
	}
	if needs.Has(diagnose.NeedsWaiting) {
		found = append(found, spot{diagnose.NeedsWaiting, id, port})
	}
	if needs.Has(diagnose.NeedsSurvey) {
		found = append(found, spot{diagnose.NeedsSurvey, id, 0})
	}
	return found
}

// look looks at a spot. What is gone, or cannot be known, is nil, and an error only where
// the user is to know.
func (l *looker) look(at spot) (seen diagnose.Seen, err error) {
	switch {
	case at.need == diagnose.NeedsTable && l.table != nil:
		seen.Table, err = l.table(at.netns)
	case at.need == diagnose.NeedsWaiting && l.waiting != nil:
		if w, failed := l.waiting(at.netns, at.port); failed == nil {
			seen.Waiting = &w
		}
	case at.need == diagnose.NeedsSurvey && l.survey != nil:
		seen.Survey, _ = l.survey(at.netns)
	}
	return seen, err
}
