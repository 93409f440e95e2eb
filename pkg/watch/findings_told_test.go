// SPDX-License-Identifier: Apache-2.0

package watch

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/synwatch/synwatch/pkg/diagnose"
	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/synwatch/synwatch/pkg/sockets"
)

// The same findings with other numbers are told now and then, others at once.
func TestFindingsAreToldAgain(t *testing.T) {
	f := newFindingsTold(&Config{Now: time.Now})
	began := time.Now()
	never := func() bool { return false }
	tally := func(id string, n uint64) []counted {
		return []counted{{Tally: diagnose.Tally{Cause: find(t, id), Count: n, Duration: time.Second}}}
	}
	for i, test := range []struct {
		after   time.Duration
		counted []counted
		want    int
	}{
		{0, tally("no-listener", 1), -1}, // of which there are no findings
		{time.Second, tally("accept-queue-full", 1), 1},
		{2 * time.Second, tally("accept-queue-full", 5), -1},
		{3 * time.Second, nil, -1},
		{4 * time.Second, append(tally("accept-queue-full", 5), tally("syn-queue-full", 5)...), 2},
		{5 * time.Second, tally("accept-queue-full", 6), 1},
		{6 * time.Second, tally("accept-queue-full", 7), -1},
		{16 * time.Second, nil, 1},
		{17 * time.Second, tally("no-listener", 1), 0},
	} {
		found := f.changed(&measured{time: began.Add(test.after), counted: test.counted}, never)
		if got := len(found); found == nil && test.want >= 0 || found != nil && got != test.want {
			t.Errorf("%d: %d findings, want %d", i, got, test.want)
		}
	}
}

// What was looked at for findings is good for a while.
func TestLooksAgainAfterAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		looked := 0
		f := newFindingsTold(&Config{Now: time.Now, Waiting: func(netns.ID, uint16) (sockets.Waiting, error) {
			looked++
			time.Sleep(400 * time.Millisecond)
			return sockets.Waiting{}, nil
		}})
		for range 60 {
			f.changed(&measured{time: time.Now(), counted: []counted{{Tally: diagnose.Tally{Cause: find(t, "accept-queue-full"), Count: 1}}}}, func() bool { return false })
			time.Sleep(time.Second)
		}
		if looked != 3 {
			t.Errorf("it looked %d times", looked)
		}
	})
}
