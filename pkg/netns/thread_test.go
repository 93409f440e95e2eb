// SPDX-License-Identifier: Apache-2.0

package netns_test

import (
	"errors"
	"os"
	"testing"

	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/synwatch/synwatch/pkg/netns/netnstest"
)

// An error of the work is no error of the path: the next path would do the work
// again.
func TestWorkThatFailsIsDoneOnce(t *testing.T) {
	own, ok := netns.Own()
	if !ok {
		t.Fatal("no own namespace")
	}
	runs, broken := 0, errors.New("broken")
	err := netns.OnThread(func(r *netns.Thread) error {
		at := netns.Discover(false)[own] // by every process of this one
		return r.Do(at, netns.ID{Inode: own}, func(netns.ID) error { runs++; return broken })
	})
	if !errors.Is(err, broken) || runs != 1 {
		t.Errorf("ran %d times: %v", runs, err)
	}
}

func TestDoTellsWhereItIs(t *testing.T) {
	ns, id := netnstest.New(t)
	for _, asked := range []netns.ID{id, {Inode: id.Inode}} {
		var got netns.ID
		var inode uint32
		err := netns.Do(asked, func(_ netns.Location, now netns.ID) error {
			got = now
			inode, _ = netns.Own()
			return nil
		})
		if err != nil || got != id || inode != id.Inode {
			t.Errorf("%+v: %v, got %+v, in %d", asked, err, got, inode)
		}
	}
	if err := netns.Inside(ns, func() error { return nil }); err != nil {
		t.Error(err)
	}
}

// The number alone would lead into another namespace.
func TestDoDoesNotEnterANamespaceThatHasTheNumberNow(t *testing.T) {
	var old netns.ID
	first := func(_ *os.File, id netns.ID) { old = id }
	netnstest.Reuse(t, first, func(_ *os.File, now netns.ID) {
		if old.Cookie == 0 {
			if now.Differs(old) {
				t.Errorf("without cookies nothing tells %+v from %+v", now, old)
			}
			return
		}
		if !now.Differs(old) {
			t.Fatalf("two namespaces are %+v", now)
		}
		entered := false
		enter := func(netns.Location, netns.ID) error { entered = true; return nil }
		if err := netns.Do(old, enter); entered || !errors.Is(err, netns.ErrReplaced) {
			t.Errorf("entered %v, %v", entered, err)
		}
		if err := netns.Do(now, enter); !entered || err != nil {
			t.Errorf("the new one: entered %v, %v", entered, err)
		}
	})
}
