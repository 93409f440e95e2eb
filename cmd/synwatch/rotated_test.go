// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/synwatch/synwatch/pkg/capture"
	"github.com/synwatch/synwatch/pkg/capture/capturetest"
	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/synwatch/synwatch/pkg/diagnose"
	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/synwatch/synwatch/pkg/sink"
	"github.com/synwatch/synwatch/pkg/state"
	"github.com/synwatch/synwatch/pkg/stream"
)

// fakeOfMany has a record of each of so many sources, which are so different that they
// cannot be compressed to less than 4 bytes each.
func fakeOfMany(n int) *fake {
	f := newFake()
	f.events = nil
	random := rand.New(rand.NewPCG(1, 2))
	for range n {
		src := random.Uint32()
		f.events = append(f.events, event.Event{
			Time: f.now(), Hook: event.HookFree, Facts: event.NoSocket | event.PacketSYN, Reason: "NO_SOCKET", Netns: netns.ID{Inode: 1}, Count: 1,
			Direction: event.In, Proto: event.TCP,
			Src: netip.AddrPortFrom(netip.AddrFrom4([4]byte{byte(src >> 24), byte(src >> 16), byte(src >> 8), byte(src)}), uint16(1+random.IntN(60000))), Dst: netip.MustParseAddrPort("10.0.0.1:443"),
		})
	}
	return f
}

// readBack reads captures, and wants nothing in them to be damaged.
func readBack(t *testing.T, paths ...string) *state.State {
	t.Helper()
	s := state.New()
	damaged := func(skip capture.Skip) { t.Errorf("skipped: %v", skip) }
	if _, err := capture.ReadFiles(paths, nil, s, capture.Options{Skipped: damaged}); err != nil {
		t.Fatal(err)
	}
	return s
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// filesOf are the files of a rotated output, from the oldest to the newest.
func filesOf(t *testing.T, path string) []string {
	t.Helper()
	files := []string{path}
	for n := 1; ; n++ {
		if _, err := os.Stat(older(path, n)); err != nil {
			return files
		}
		files = append([]string{older(path, n)}, files...)
	}
}

// A line is in one file, whole, and each file begins with the start.
func TestRotationLosesNothing(t *testing.T) {
	whole := command(t, fakeOfMany(2000), "trace", "--json", "--duration", "1s").stdout
	path := filepath.Join(t.TempDir(), "drops.json")
	got := command(t, fakeOfMany(2000), "trace", "--json", "--duration", "1s", "-o", path, "--rotate-size", "64K")
	if got.status != exitFine || got.stdout != "" {
		t.Fatalf("got %+v", got)
	}
	files := filesOf(t, path)
	if len(files) < 5 {
		t.Fatalf("only %d files", len(files))
	}
	var all strings.Builder
	for part, file := range files {
		text := read(t, file)
		capturetest.CheckLines(t, text)
		start, rest, _ := strings.Cut(text, "\n")
		if part == 0 {
			all.WriteString(text)
		} else {
			all.WriteString(rest)
		}
		if part > 0 && !strings.Contains(start, fmt.Sprintf(`"part":%d`, part)) {
			t.Errorf("%s begins with %s", file, start)
		}
		if over := len(text) - smallestFile; part < len(files)-1 && (over < 0 || over > 8<<10) {
			t.Errorf("%s has %d bytes", file, len(text))
		}
	}
	if diff := cmp.Diff(withoutSamples(whole), withoutSamples(all.String())); diff != "" {
		t.Errorf("the lines (-of one file +of all):\n%s", diff)
	}
	if n := readBack(t, files...).Snapshot(time.Time{}).Drops; n != 2000 {
		t.Errorf("%d drops are read back", n)
	}
}

func TestCompressedOutput(t *testing.T) {
	for _, args := range [][]string{{"drops.json.gz"}, {"drops.json.zst"}, {"drops.json.gz", "--rotate-size", "64K"}, {"drops.json.zst", "--rotate-size", "64K"}} {
		path := filepath.Join(t.TempDir(), args[0])
		got := command(t, fakeOfMany(20000), append([]string{"trace", "--json", "--duration", "1s", "-o", path}, args[1:]...)...)
		if got.status != exitFine {
			t.Fatalf("%s: %+v", args, got)
		}
		files := filesOf(t, path)
		if strings.HasPrefix(read(t, path), "{") || (len(files) > 1) != (len(args) > 1) {
			t.Errorf("%s: %d files, not compressed?", args, len(files))
		}
		if n := readBack(t, files...).Snapshot(time.Time{}).Drops; n != 20000 {
			t.Errorf("%s: %d drops are read back", args, n)
		}
	}
}

// The files together give the state of the one file that there would be, and so does the last
// alone for what was measured.
func TestFilesOfARotationGiveOneState(t *testing.T) {
	path := filepath.Join(t.TempDir(), "drops.json")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	out, err := outputTo(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	live := state.New()
	toFile := rotation{size: smallestFile}.sink(out, func(w io.Writer) stream.Sink { return sink.NewJSON(w) })
	if err := errors.Join(capturetest.New(3).WriteTo(stream.Tee(live, toFile), 4000), out.Close()); err != nil {
		t.Fatal(err)
	}
	files := filesOf(t, path)
	if len(files) < 10 {
		t.Fatalf("only %d files", len(files))
	}
	for _, file := range files {
		capturetest.CheckLines(t, read(t, file))
	}
	same := cmp.Options{
		cmp.Comparer(func(a, b *cause.Cause) bool { return a.ID == b.ID }), cmpopts.EquateComparable(netip.Addr{}, netip.AddrPort{}, netip.Prefix{}),
		cmpopts.EquateEmpty(), cmpopts.IgnoreUnexported(diagnose.Finding{}), cmpopts.IgnoreFields(event.Event{}, "Facts"),
	}
	want, all, last := live.Snapshot(time.Time{}), readBack(t, files...).Snapshot(time.Time{}), readBack(t, path).Snapshot(time.Time{})
	if diff := cmp.Diff(want, all, same); diff != "" {
		t.Errorf("all files (-live +replay):\n%s", diff)
	}
	last.Start.Part = 0
	measured := func(s *state.Snapshot) []any {
		return []any{s.Start, s.Losses, s.Queues, s.Tables, s.Reconcile, s.Unseen, s.Findings}
	}
	if diff := cmp.Diff(measured(want), measured(last), same); diff != "" {
		t.Errorf("the last file (-live +replay):\n%s", diff)
	}
}

// What is in a file before the run is kept where older files are, and goes elsewhere.
func TestRotationOfAnOldCapture(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "drops.txt")
	if err := os.WriteFile(path, []byte("old\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if got := command(t, newFake(), "trace", "-o", path, "--rotate-size", "1M", "--duration", "1s"); got.status != exitFine {
			t.Fatalf("got %+v", got)
		}
	}
	if read(t, path+".2") != "old\n" || !strings.Contains(read(t, path+".1"), "6 drops in") || !strings.Contains(read(t, path), "6 drops in") {
		t.Errorf("the old file is not drops.txt.2: %q", filesOf(t, path))
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("who may read the new file: %v (%v)", info.Mode(), err)
	}
}

func TestRotationKeepsSoMany(t *testing.T) {
	path := filepath.Join(t.TempDir(), "drops.json")
	got := command(t, fakeOfMany(2000), "trace", "--json", "--duration", "1s", "-o", path, "--rotate-size", "64K", "--rotate-keep", "2")
	if files := filesOf(t, path); got.status != exitFine || len(files) != 3 {
		t.Errorf("%+v, files %q", got, files)
	}
	if drops := readBack(t, filesOf(t, path)...).Snapshot(time.Time{}).Drops; drops == 0 {
		t.Error("what is kept cannot be read")
	}
}

func TestShift(t *testing.T) {
	for _, test := range []struct {
		name         string
		keep         int
		before, want string // file names, with what is in them the names that there were
	}{
		{"x", 0, "x", "x.1=x"},
		{"x", 0, "x x.1 x.2", "x.1=x x.2=x.1 x.3=x.2"},
		{"x", 0, "x x.1 x.3", "x.1=x x.2=x.1 x.3=x.3"}, // into the gap
		{"x", 2, "x x.1 x.2", "x.1=x x.2=x.1"},
		{"x", 1, "x x.1", "x.1=x"},
		{"x", 2, "x x.2", "x.1=x x.2=x.2"},
		{"x", 0, "x.1", "x.2=x.1"},
		{"x.gz", 0, "x.gz x.1.gz x.gz.1", "x.1.gz=x.gz x.2.gz=x.1.gz x.gz.1=x.gz.1"},
		{"x.json.zst", 0, "x.json.zst", "x.json.1.zst=x.json.zst"},
	} {
		t.Chdir(t.TempDir())
		for _, name := range strings.Fields(test.before) {
			if err := os.WriteFile(name, []byte(name), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := (rotation{keep: test.keep}).shift(test.name); err != nil {
			t.Errorf("%+v: %v", test, err)
		}
		names, _ := filepath.Glob("*")
		var got []string
		for _, name := range names {
			got = append(got, name+"="+read(t, name))
		}
		if diff := cmp.Diff(test.want, strings.Join(got, " ")); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", test, diff)
		}
	}
}

func TestWrongRotation(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	if err := os.Symlink("elsewhere", "link"); err != nil {
		t.Fatal(err)
	}
	for args, want := range map[string]string{
		"--rotate-size 100 -o x":                "must be a size of at least 64K, e.g. 500K, 100M or 2G",
		"--rotate-size 63K -o x":                "at least 64K",
		"--rotate-size big -o x":                "must be a size",
		"--rotate-size -1G -o x":                "must be a size",
		"--rotate-size 100MB -o x":              "must be a size",
		"--rotate-size 100MM -o x":              "must be a size",
		"--rotate-size M -o x":                  "must be a size",
		"--rotate-size= -o x":                   "must be a size",
		"--rotate-size 9999999999G -o x":        "must be a size",
		"--rotate-size 1M":                      "--rotate-size needs --output with a file",
		"--rotate-size 1M -o /dev/null":         "regular file, and /dev/null is none",
		"--rotate-size 1M -o link":              "regular file, and link is none",
		"--rotate-size 1M -o .":                 "regular file, and . is none",
		"--rotate-keep 3 -o x":                  "--rotate-keep needs --rotate-size",
		"--rotate-keep 0 -o x --rotate-size 1M": "must be a number of files, at least 1",
	} {
		got := command(t, newFake(), append([]string{"trace"}, strings.Fields(args)...)...)
		if got.status != exitUsage || strings.Count(got.stderr, "\n") != 1 || !strings.Contains(got.stderr, want) {
			t.Errorf("%s: got %+v, want %q", args, got, want)
		}
	}
	if names, _ := filepath.Glob("*"); !cmp.Equal(names, []string{"link"}) {
		t.Errorf("wrong usage left %q", names)
	}
	for s, want := range map[string]int64{"64K": 64 << 10, "65536": 64 << 10, "100M": 100 << 20, "2G": 2 << 30, "500k": 500 << 10} {
		if got, err := parseSize(s); err != nil || got != want {
			t.Errorf("%s: %d, %v", s, got, err)
		}
	}
}

// Where there can be no new file, the run ends with what it has.
func TestRotationFails(t *testing.T) {
	path := filepath.Join(t.TempDir(), "drops.json")
	if err := os.MkdirAll(filepath.Join(path+".1", "full"), 0o700); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	e := fakeEnv(fakeOfMany(2000), &stdout, &stderr)
	if err := os.MkdirAll(filepath.Join(path+".2", "full"), 0o700); err != nil {
		t.Fatal(err)
	}
	status := run(t.Context(), e, []string{"trace", "--json", "--duration", "1s", "-o", path, "--rotate-size", "64K", "--rotate-keep", "1"})
	if status != exitFailed || !strings.Contains(stderr.String(), "2000 drops in") || !strings.Contains(stderr.String(), "\nsynwatch: write output: rename ") {
		t.Errorf("%d, %s", status, stderr.String())
	}
	if n := readBack(t, path).Snapshot(time.Time{}).Drops; n == 0 {
		t.Error("what was written is gone")
	}
}
