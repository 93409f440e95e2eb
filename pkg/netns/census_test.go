// SPDX-License-Identifier: Apache-2.0

package netns

import (
	"errors"
	"fmt"
	"os"
	"testing"
	"time"
)

// fakeCensus lists these, and says when it was asked.
type fakeCensus struct {
	tasks, files []Resident
	err          error
	asked        int
}

func (f *fakeCensus) Tasks(found func(Resident)) error {
	f.asked++
	for _, r := range f.tasks {
		found(r)
	}
	return f.err
}

func (f *fakeCensus) Files(found func(Resident)) error {
	for _, r := range f.files {
		found(r)
	}
	return nil
}

func TestDiscoverAsksTheCensus(t *testing.T) {
	here := os.Getpid()
	c := &fakeCensus{tasks: []Resident{
		{ID{7, 100}, 1, 1}, {ID{7, 100}, 2, 2}, {ID{7, 100}, 3, 3}, {ID{7, 100}, 4, 4},
		{ID{8, 200}, here, here + 1},
		// The number goes to another namespace meanwhile.
		{ID{9, 300}, 5, 5}, {ID{10, 300}, 6, 6},
	}}
	defer UseCensus(c)()
	found := Discover(false)
	for inode, want := range map[uint32]Location{
		100: {paths: []string{"/proc/1/ns/net", "/proc/2/ns/net", "/proc/3/ns/net"}, pid: 1, cookie: 7},
		200: {paths: []string{fmt.Sprintf("/proc/%d/task/%d/ns/net", here, here+1)}, cookie: 8},
		300: {paths: []string{"/proc/6/ns/net"}, pid: 6, cookie: 10},
	} {
		if got := found[inode]; fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%d: got %+v, want %+v", inode, got, want)
		}
	}
}

func TestDiscoverAsksForFilesOnlyIfDeep(t *testing.T) {
	ns, inode := newNamespace(t)
	link := Resident{ID{0, inode}, os.Getpid(), int(ns.Fd())}
	other := Resident{ID{0, inode + 1}, os.Getpid(), int(ns.Fd())} // of another kind, or closed by now
	found := Locations{}
	c := &fakeCensus{files: []Resident{link, other}}
	defer UseCensus(c)()
	if !found.ask(false) || len(found) != 0 {
		t.Errorf("not deeply: %+v", found)
	}
	if !found.ask(true) || len(found) != 1 || len(found[inode].paths) != 1 {
		t.Errorf("deeply: %+v", found)
	}
}

// Without a census, or where it fails, all of /proc is read.
func TestDiscoverWithoutTheCensus(t *testing.T) {
	own, _ := Own()
	end := UseCensus(&fakeCensus{err: errors.New("broken")})
	if len(Discover(false)[own].paths) < 2 {
		t.Error("a census that fails hides the processes")
	}
	end()
	c := &fakeCensus{}
	UseCensus(c)()
	if Discover(false); c.asked != 0 {
		t.Error("a census was asked that is not to be used any more")
	}
}

// The end of the use of one census leaves alone the next one.
func TestCensusesFollowOneAnother(t *testing.T) {
	first := UseCensus(&fakeCensus{})
	c := &fakeCensus{}
	defer UseCensus(c)()
	first()
	if Discover(false); c.asked != 1 {
		t.Errorf("the second one was asked %d times", c.asked)
	}
}

func TestFinderTakesACensusAsOftenAsItIsWorth(t *testing.T) {
	now := time.Now()
	c := &fakeCensus{tasks: []Resident{{ID{7, 100}, 1, 1}}}
	defer UseCensus(c)()
	f := NewFinder()
	calls := 0
	f.now = func() time.Time { // each census takes 4 ms
		calls++
		return now.Add(time.Duration(calls) * 2 * time.Millisecond)
	}
	f.Find(false)
	asked := c.asked
	if f.Find(false); c.asked != asked {
		t.Error("another one was taken at once")
	}
	if f.Find(true); c.asked != asked+1 {
		t.Error("none was taken for a deep search")
	}
	now = now.Add(searchEvery)
	if f.Find(false); c.asked != asked+2 {
		t.Error("none is taken any more")
	}
	if at := f.At(100); at.Cookie() != 7 {
		t.Errorf("found %+v", at)
	}
}

// Further ways to a namespace that was counted again are kept without a look at each; those
// to one that was not counted are looked at.
func TestKnownWaysAreKept(t *testing.T) {
	before := Locations{
		1: {paths: []string{"/proc/1/ns/net", "/proc/2/fd/3"}, cookie: 7},
		2: {paths: []string{"/proc/none/ns/net"}, cookie: 8},
		3: {paths: []string{"/proc/none/ns/net"}, cookie: 9},
	}
	now := Locations{
		1: {paths: []string{"/proc/1/ns/net"}, cookie: 7},
		3: {paths: []string{"/proc/1/ns/net"}, cookie: 10},
	}.OrKnown(before)
	if _, there := now[2]; there || len(now[1].paths) != 2 || len(now[3].paths) != 1 {
		t.Errorf("got %+v", now)
	}
}
