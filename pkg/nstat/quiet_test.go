// SPDX-License-Identifier: Apache-2.0

package nstat

import (
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"github.com/synwatch/synwatch/pkg/needs"
	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/synwatch/synwatch/pkg/netns/netnstest"
)

// oneResident is a census of one process, which says how often it was asked for files.
type oneResident struct {
	netns.Resident
	files int
}

func (o *oneResident) Tasks(found func(netns.Resident)) error { found(o.Resident); return nil }

func (o *oneResident) Files(func(netns.Resident)) error { o.files++; return nil }

// quietLab is a Sampler on a clock of its own, beside one other namespace.
type quietLab struct {
	t       *testing.T
	sampler *Sampler
	census  *oneResident
	id      netns.ID
	now     time.Time
	// reads counts the readings in the namespace, which find so many ListenDrops.
	reads, drops int
}

func newQuietLab(t *testing.T) *quietLab {
	ns, id := netnstest.New(t)
	sleep := exec.Command("nsenter", "--net=/proc/self/fd/3", "sleep", "600")
	sleep.ExtraFiles = []*os.File{ns}
	if err := sleep.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = sleep.Process.Kill() // it may have ended
		_ = sleep.Wait()
	})
	l := &quietLab{t: t, id: id, now: time.Now(), sampler: NewSampler([]string{"TcpExtListenDrops"})}
	l.sampler.now = func() time.Time { return l.now }
	l.census = &oneResident{Resident: netns.Resident{Netns: netns.ID{Cookie: 7, Inode: id.Inode}, PID: sleep.Process.Pid, Number: sleep.Process.Pid}}
	t.Cleanup(netns.UseCensus(l.census))
	l.sampler.reader.file = func(string) (string, error) {
		if here, _ := netns.Own(); here == id.Inode {
			l.reads++
		}
		return "TcpExt: ListenDrops\nTcpExt: " + string('0'+rune(l.drops)) + "\n", nil
	}
	return l
}

// read samples after a while and says whether the namespace was read for that.
func (l *quietLab) read(after time.Duration, w Wanted) bool {
	l.t.Helper()
	l.now = l.now.Add(after)
	before := l.reads
	// A census that is due by its cost is none of this test's business.
	l.sampler.finder.Search(false)
	r, err := l.sampler.Sample(w)
	if err != nil {
		l.t.Fatal(err)
	}
	values, sampled := r.Sample[l.id]
	if !sampled || r.Name(l.id) == "" {
		l.t.Fatalf("%+v is missing from %+v", l.id, r.Sample)
	}
	read := l.reads > before
	if got := values["TcpExtListenDrops"]; read && got != uint64(l.drops) {
		l.t.Errorf("%d drops, read %d", l.drops, got)
	}
	return read
}

func (l *quietLab) settle() {
	l.t.Helper()
	for range 2 {
		if !l.read(time.Second, Wanted{}) {
			l.t.Fatal("it was left alone before it was known to be quiet")
		}
	}
}

// Where nothing moves, counters are read at growing intervals.
func TestQuietNamespacesAreLeftAlone(t *testing.T) {
	l := newQuietLab(t)
	l.settle()
	var pauses []int
	for last, second := 0, 1; second < 300; second++ {
		if l.read(time.Second, Wanted{}) {
			pauses = append(pauses, second-last)
			last = second
		}
	}
	if len(pauses) < 4 || !slices.IsSorted(pauses[:3]) || slices.Max(pauses) > 60 || slices.Max(pauses) < 40 {
		t.Errorf("read after %v seconds", pauses)
	}
}

func TestQuietNamespacesAreReadWhenAsked(t *testing.T) {
	l := newQuietLab(t)
	l.settle()
	for name, w := range map[string]Wanted{
		"all": {All: true}, "this one": {Netns: []netns.ID{l.id}},
		"this one, by its number": {Netns: []netns.ID{{Inode: l.id.Inode}}},
	} {
		if !l.read(0, w) {
			t.Errorf("%s: not read", name)
		}
	}
	if l.read(0, Wanted{Netns: []netns.ID{{Inode: 1}}}) {
		t.Error("another one was asked for, and this one read")
	}
}

// What has moved is read with each sample for a while.
func TestNamespacesThatMoveAreRead(t *testing.T) {
	l := newQuietLab(t)
	l.settle()
	l.drops = 1
	if l.read(0, Wanted{}) {
		t.Error("read although nobody knew")
	}
	if !l.read(2*time.Second, Wanted{}) || !l.read(0, Wanted{}) {
		t.Error("it moved and was left alone")
	}
	if l.read(0, Wanted{}) {
		t.Error("it moves no more and is read")
	}
}

// The number alone does not say that it is the same namespace.
func TestQuietNamespacesAreTheSame(t *testing.T) {
	l := newQuietLab(t)
	l.settle()
	l.census.Netns.Cookie = 8
	if !l.read(0, Wanted{}) {
		t.Error("another namespace has what was read of the one before")
	}
	l.settle()
	l.census.Netns.Cookie = 0
	for range 4 {
		if !l.read(0, Wanted{}) {
			t.Error("left alone though nobody knows whether it is the same")
		}
	}
}

// A sample that is for a namespace looks at open files only if it is found in no other way.
func TestSoughtNamespaces(t *testing.T) {
	l := newQuietLab(t)
	l.census.Netns.Cookie = l.id.Cookie // as a record tells it
	for name, test := range map[string]struct {
		sought []netns.ID
		files  int
	}{
		"found":    {[]netns.ID{l.id}, 0},
		"not":      {[]netns.ID{l.id, {Inode: 1}}, 1},
		"nobody's": {nil, 1},
	} {
		l.census.files = 0
		l.read(0, Wanted{Deep: true, Sought: test.sought})
		if l.census.files != test.files {
			t.Errorf("%s: asked for files %d times, want %d", name, l.census.files, test.files)
		}
	}
	another := netns.ID{Cookie: l.id.Cookie + 1, Inode: l.id.Inode}
	l.census.files = 0
	l.read(0, Wanted{Deep: true, Sought: []netns.ID{another}})
	if want := min(1, int(l.id.Cookie)); l.census.files != want {
		t.Errorf("another one with the number: asked for files %d times, want %d", l.census.files, want)
	}
}

func TestNamespacesThatAreGoneAreForgotten(t *testing.T) {
	needs.Root(t)
	s := NewSampler(nil)
	s.quiet[1] = &quiet{}
	if _, err := s.Sample(Wanted{}); err != nil {
		t.Fatal(err)
	}
	if s.quiet[1] != nil {
		t.Error("it is remembered")
	}
}
