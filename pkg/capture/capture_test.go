// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/synwatch/synwatch/pkg/capture/capturetest"
	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/synwatch/synwatch/pkg/diagnose"
	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/sink"
	"github.com/synwatch/synwatch/pkg/state"
	"github.com/synwatch/synwatch/pkg/stream"
)

// same is what two states have in common if they are of the same run.
var same = cmp.Options{
	cmp.Comparer(func(a, b *cause.Cause) bool { return a.ID == b.ID }), cmpopts.EquateComparable(netip.Addr{}, netip.AddrPort{}, netip.Prefix{}),
	cmpopts.EquateEmpty(), cmpopts.IgnoreUnexported(diagnose.Finding{}),
	cmpopts.IgnoreFields(event.Event{}, "Facts"), // of which a line shows what is made of them
}

func sample(t testing.TB, seed uint64, records int) (string, *state.State) {
	t.Helper()
	var b bytes.Buffer
	live := state.New()
	if err := capturetest.New(seed).WriteTo(stream.Tee(live, sink.NewJSON(&b)), records); err != nil {
		t.Fatal(err)
	}
	capturetest.CheckLines(t, b.String())
	return b.String(), live
}

// replay reads a capture and says what it skipped.
func replay(t testing.TB, text string) (*state.State, Stats, []string) {
	t.Helper()
	s := state.New()
	var skipped []string
	stats, err := Read(strings.NewReader(text), s, Options{Skipped: func(skip Skip) { skipped = append(skipped, skip.String()) }})
	if err != nil {
		t.Fatal(err)
	}
	return s, stats, skipped
}

// A capture read back gives the same state as the run that wrote it.
func TestOneModelForLiveAndReplay(t *testing.T) {
	for seed := range uint64(15) {
		text, live := sample(t, seed, 400)
		again, stats, skipped := replay(t, text)
		if len(skipped) > 0 || stats.Understood() != uint64(strings.Count(text, "\n")) {
			t.Fatalf("seed %d: %+v, skipped %q", seed, stats, skipped)
		}
		if diff := cmp.Diff(live.Snapshot(time.Time{}), again.Snapshot(time.Time{}), same); diff != "" {
			t.Fatalf("seed %d: live and replay differ (-live +replay):\n%s", seed, diff)
		}
		if diff := cmp.Diff(live.Newest(1000, nil), again.Newest(1000, nil), same); diff != "" {
			t.Fatalf("seed %d: live and replay differ (-live +replay):\n%s", seed, diff)
		}
	}
}

// The same holds in the middle of a run, with a time that has gone on.
func TestOneModelBeforeTheEnd(t *testing.T) {
	text, _ := sample(t, 99, 100)
	lines := strings.SplitAfter(text, "\n")
	for _, n := range []int{1, 2, 10, 50} {
		once, _, _ := replay(t, strings.Join(lines[:n], ""))
		var b bytes.Buffer
		if _, err := Read(strings.NewReader(strings.Join(lines[:n], "")), sink.NewJSON(&b), Options{}); err != nil {
			t.Fatal(err)
		}
		if got := b.String(); got != strings.Join(lines[:n], "") {
			t.Errorf("written again it differs:\n%s", cmp.Diff(strings.Join(lines[:n], ""), got))
		}
		twice, _, _ := replay(t, b.String())
		at := time.Date(2026, 3, 1, 12, 1, 0, 0, time.UTC)
		if diff := cmp.Diff(once.Snapshot(at), twice.Snapshot(at), same); diff != "" {
			t.Error(diff)
		}
	}
}

const drop = `{"type":"drop","time":"2026-03-01T12:00:00Z","cause":"accept-queue-full","count":1,"src":"10.9.0.5","src_port":5,"dst":"10.0.0.1","dst_port":443,"netns":7,"hook":"kfree_skb","reason":""}` + "\n"

func TestDamagedLinesAreSkipped(t *testing.T) {
	for name, line := range map[string]string{
		"truncated":      drop[:len(drop)/2],
		"two in one":     drop[:40] + strings.TrimSuffix(drop, "\n"),
		"no JSON":        "synwatch: hello",
		"zeros":          string(make([]byte, 100)),
		"an array":       "[1]",
		"no type":        `{"time":"2026-03-01T12:00:00Z"}`,
		"a number":       strings.Replace(drop, `"count":1`, `"count":18446744073709551616`, 1),
		"a fraction":     strings.Replace(drop, `"count":1`, `"count":1.5`, 1),
		"negative":       strings.Replace(drop, `"count":1`, `"count":-1`, 1),
		"no count":       strings.Replace(drop, `"count":1`, `"x":1`, 1),
		"a port":         strings.Replace(drop, `"dst_port":443`, `"dst_port":70000`, 1),
		"an address":     strings.Replace(drop, "10.9.0.5", "10.9.0.500", 1),
		"a time":         strings.Replace(drop, "2026-03", "2026-33", 1),
		"another type":   strings.Replace(drop, `"10.0.0.1"`, `{"a":1}`, 1),
		"a cause":        strings.Replace(drop, "accept-queue-full", `<script>`, 1),
		"deep":           `{"type":"sample","x":` + strings.Repeat("[", 100000) + strings.Repeat("]", 100000) + "}",
		"deep, a record": strings.Replace(drop, `"netns":7`, `"evidence":`+strings.Repeat("[", 7000)+strings.Repeat("]", 7000), 1),
		"long":           strings.Replace(drop, "kfree_skb", strings.Repeat("x", 20000), 1),
		"very long":      strings.Replace(drop, "kfree_skb", strings.Repeat("x", 17<<20), 1),
		"a severity":     `{"type":"sample","time":"2026-03-01T12:00:00Z","findings":[{"severity":"dire"}]}`,
		"no schema":      `{"type":"start","time":"2026-03-01T12:00:00Z"}`,
		"many objects":   `{"type":"sample","time":"2026-03-01T12:00:00Z","findings":[{}` + strings.Repeat(",{}", 4<<20) + `]}`,
	} {
		s, stats, skipped := replay(t, drop+strings.TrimSuffix(line, "\n")+"\n"+drop)
		if got := s.Snapshot(time.Time{}).Drops; got != 2 || stats.Lines != 3 || stats.Skipped != 1 || len(skipped) != 1 || !strings.HasPrefix(skipped[0], "line 2: ") {
			t.Errorf("%s: %d drops, %+v, skipped %.200q", name, got, stats, skipped)
		}
	}
}

// Whatever a newer or an older synwatch writes is read as far as it is understood.
func TestOtherVersions(t *testing.T) {
	text := `{"type":"news","x":[1,{"y":2}]}` + "\n\n" + strings.Replace(drop, `"count":1`, `"count":1,"new":{"a":[]},"stage":null`, 1) +
		strings.Replace(drop, "accept-queue-full", "brand-new", 1) + strings.TrimSuffix(strings.Replace(drop, `"time"`, `"direction":"sideways","time"`, 1), "\n")
	s, stats, skipped := replay(t, "\ufeff"+text)
	snap := s.Snapshot(time.Time{})
	if snap.Drops != 3 || stats.Lines != 5 || stats.Unknown != 2 || len(skipped) > 0 || len(snap.Causes) != 2 || snap.Causes[1].Cause.ID != "brand-new" {
		t.Errorf("%d drops, %+v, skipped %q", snap.Drops, stats, skipped)
	}
	many := ""
	for i := range 200 {
		many += strings.Replace(drop, "accept-queue-full", fmt.Sprintf("brand-new-%d", i), 1)
	}
	s, _, _ = replay(t, many)
	if snap := s.Snapshot(time.Time{}); snap.Drops != 200 || len(snap.Causes) != 65 {
		t.Errorf("%d drops of %d causes", snap.Drops, len(snap.Causes))
	}
}

func TestAnotherSchemaIsRefused(t *testing.T) {
	_, err := Read(strings.NewReader(`{"type":"start","schema":2,"time":{"s":1}}`+"\n"), state.New(), Options{})
	if !errors.Is(err, ErrSchema) || strings.Contains(err.Error(), "\n") {
		t.Errorf("got %v", err)
	}
}

type failing struct{ stream.Sink }

var errFull = errors.New("full")

func (failing) Record(stream.Record) error { return errFull }

func TestTheSinksErrorEndsIt(t *testing.T) {
	if _, err := Read(strings.NewReader(drop), failing{state.New()}, Options{}); err != errFull {
		t.Errorf("got %v", err)
	}
}

func compress(t testing.TB, text string) map[string][]byte {
	t.Helper()
	var gz, zst bytes.Buffer
	g := gzip.NewWriter(&gz)
	z, err := zstd.NewWriter(&zst)
	_, err1 := io.WriteString(g, text)
	_, err2 := io.WriteString(z, text)
	if err := errors.Join(err, err1, err2, g.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	return map[string][]byte{"gzip": gz.Bytes(), "zstd": zst.Bytes()}
}

func TestCompressed(t *testing.T) {
	text, live := sample(t, 5, 2000)
	for name, data := range compress(t, text) {
		s := state.New()
		if _, err := Read(bytes.NewReader(append(bytes.Clone(data), data...)), stream.Tee(s), Options{}); err != nil {
			t.Errorf("%s, twice: %v", name, err)
		}
		once, stats, skipped := replay(t, string(data))
		if diff := cmp.Diff(live.Snapshot(time.Time{}), once.Snapshot(time.Time{}), same); diff != "" || len(skipped) > 0 {
			t.Errorf("%s: %+v, %q, %s", name, stats, skipped, diff)
		}
		if got, want := s.Snapshot(time.Time{}).Causes[0].Count, once.Snapshot(time.Time{}).Causes[0].Count; got < want {
			t.Errorf("%s: twice has %d, once %d", name, got, want)
		}
		cut, stats, skipped := replay(t, string(data[:len(data)/2]))
		if len(skipped) != 1 || !strings.Contains(skipped[0], "end in the middle") || stats.Understood() < 50 || cut.Snapshot(time.Time{}).Drops == 0 {
			t.Errorf("%s, cut: %+v, %q", name, stats, skipped)
		}
	}
}

func TestFilesAreReadInOrder(t *testing.T) {
	dir := t.TempDir()
	start := `{"type":"start","schema":1,"time":"2026-03-01T12:00:00Z","version":"v","host":"box","kernel":"k","hooks":[],"blind":[],"netns":7%s}` + "\n"
	var paths []string
	for name, text := range map[string]string{
		"a":   fmt.Sprintf(start, `,"part":2`) + strings.Replace(drop, "12:00:00", "12:00:02", 1),
		"b":   fmt.Sprintf(start, "") + drop,
		"c":   strings.Replace(drop, "12:00:00", "12:00:09", 1), // has lost its beginning
		"d":   fmt.Sprintf(start, `,"part":1`) + strings.Replace(drop, "12:00:00", "12:00:01", 1),
		"0.z": strings.Replace(fmt.Sprintf(start, ""), "2026", "2025", 1),
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	got := InOrder(append(paths, "-"))
	for i := range got {
		got[i] = filepath.Base(got[i])
	}
	if want := []string{"0.z", "b", "d", "a"}; !cmp.Equal(want, got[:4]) {
		t.Errorf("got %v, want %v first", got, want)
	}
	s := state.New()
	stats, err := ReadFiles(append(paths, "-"), strings.NewReader(drop+"x"), s, Options{})
	if snap := s.Snapshot(time.Time{}); err != nil || snap.Drops != 5 || stats.Lines != 10 || stats.Skipped != 1 || snap.Start.Part != 0 {
		t.Errorf("%v, %+v, %d drops", err, stats, snap.Drops)
	}
	if _, err := ReadFiles([]string{dir}, nil, s, Options{}); err == nil || !strings.Contains(err.Error(), "is a directory") {
		t.Errorf("of a directory: %v", err)
	}
	if _, err := ReadFiles([]string{dir + "/none"}, nil, s, Options{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("of no file: %v", err)
	}
}

// Lines are handed on as they come.
func TestAPipeThatGrows(t *testing.T) {
	r, w := io.Pipe()
	s := state.New()
	done := make(chan error, 1)
	go func() {
		_, err := Read(r, s, Options{})
		done <- err
	}()
	for n := range uint64(3) {
		if _, err := io.WriteString(w, drop); err != nil {
			t.Fatal(err)
		}
		for deadline := time.Now().Add(30 * time.Second); s.Snapshot(time.Time{}).Drops != n+1; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%d drops after %d lines", s.Snapshot(time.Time{}).Drops, n+1)
			}
		}
	}
	w.Close()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func FuzzRead(f *testing.F) {
	text, _ := sample(f, 7, 20)
	for line := range strings.Lines(text) {
		f.Add([]byte(line))
	}
	for _, data := range compress(f, text) {
		f.Add(data)
		f.Add(append(bytes.Clone(data), "garbage"...))
		f.Add(data[:len(data)/2])
	}
	f.Add([]byte(text + text))
	f.Add([]byte("\ufeff" + strings.ReplaceAll(drop+drop, "\n", "\r\n") + "\x00\x00\x00\n" + drop[:50]))
	f.Add([]byte(drop))
	f.Add([]byte(strings.Replace(drop, "2026", "9999", 1) + drop))
	f.Add([]byte(strings.Replace(drop, "2026", "0000", 1) + drop))
	f.Fuzz(func(t *testing.T, data []byte) {
		s := state.New()
		var b bytes.Buffer
		stats, err := Read(bytes.NewReader(data), stream.Tee(s, sink.NewJSON(&b)), Options{})
		s.Snapshot(time.Time{})
		s.Snapshot(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
		if stats.Skipped+stats.Unknown > stats.Lines {
			t.Errorf("%+v", stats)
		}
		if err != nil {
			return
		}
		// What was understood is understood again, and in the same way.
		again, err := Read(bytes.NewReader(b.Bytes()), state.New(), Options{})
		if err != nil || again.Skipped > 0 || again.Lines != stats.Understood() {
			t.Errorf("%+v, again %+v (%v) of %s", stats, again, err, b.String())
		}
	})
}
