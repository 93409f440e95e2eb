// SPDX-License-Identifier: Apache-2.0

package watch

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/synwatch/synwatch/pkg/conntrack"
	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/synwatch/synwatch/pkg/sockets"
	"github.com/synwatch/synwatch/pkg/survey"
)

// Only what the rules of the causes need is looked at, and each place once.
func TestLooksAtWhatTheFindingsNeed(t *testing.T) {
	for name, test := range map[string]struct {
		events []event.Event
		want   []string
	}{
		"nothing":         {[]event.Event{drop("10.9.0.1:1", 1)}, nil},
		"an accept queue": {[]event.Event{full("10.9.0.1:1", 129, 128)}, []string{"waiting 443"}},
		"two of one":      {[]event.Event{forwarded(event.ConntrackClash, ""), forwarded(0, "NETFILTER_DROP")}, []string{"survey"}},
	} {
		t.Run(name, func(t *testing.T) {
			var looked []string
			run(t, newFake(step{events: test.events}), func(c *Config) {
				c.Table = func(netns.ID) (*conntrack.NetnsTable, error) {
					looked = append(looked, "table")
					return nil, errors.New("gone")
				}
				c.Waiting = func(id netns.ID, port uint16) (sockets.Waiting, error) {
					looked = append(looked, fmt.Sprint("waiting ", port))
					return sockets.Waiting{}, nil
				}
				c.Survey = func(netns.ID) (*survey.Snapshot, error) {
					looked = append(looked, "survey")
					return nil, errors.New("gone")
				}
			})
			if diff := cmp.Diff(test.want, looked); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func forwarded(facts event.Facts, reason string) event.Event {
	e := towards(event.Forward, "10.9.0.1", "10.88.0.2")
	e.Facts, e.Reason = facts, reason
	return e
}
