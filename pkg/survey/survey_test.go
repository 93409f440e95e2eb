// SPDX-License-Identifier: Apache-2.0

package survey

import (
	"errors"
	"runtime"
	"slices"
	"testing"

	"github.com/synwatch/synwatch/pkg/sockets"
)

// What could not be read must not look like what is not there.
func TestSurveySaysThatListenersWereNotRead(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for name, test := range map[string]struct {
		err  error
		want []string
	}{
		"read": {nil, nil},
		"not":  {errors.New("dump listening sockets: operation not permitted"), []string{"the listeners: dump listening sockets: operation not permitted"}},
	} {
		s := Space{Own: true}
		unread, err := s.readHere(func() ([]sockets.Socket, error) { return nil, test.err })
		if err != nil || !slices.Equal(unread, test.want) || len(s.Counters) == 0 || len(s.Interfaces) == 0 || s.Interfaces[0].Name == "" {
			t.Errorf("%s: %v, unread %q, %v", name, err, unread, s.Interfaces)
		}
	}
}
