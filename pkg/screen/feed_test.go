// SPDX-License-Identifier: Apache-2.0

package screen

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/synwatch/synwatch/pkg/capture/capturetest"
	"github.com/synwatch/synwatch/pkg/stream"
)

type memory struct{ bytes.Buffer }

func (*memory) Close() error { return nil }

func newTestFeed(t *testing.T, create func(string) (Capture, error)) (*Feed, *fakeRun) {
	run := newFake(t)
	f := NewFeed(func() time.Time { return run.now }, create)
	if err := f.Start(run.snapshot.Start); err != nil {
		t.Fatal(err)
	}
	return f, run
}

func TestFeedFiltersWhatIsKnownAndWhatComes(t *testing.T) {
	f, run := newTestFeed(t, nil)
	rule, full := run.records[len(run.records)-1], run.records[0]
	for _, r := range []stream.Record{rule, full} {
		if err := f.Record(r); err != nil {
			t.Fatal(err)
		}
	}
	match, err := parse("port:443")
	if err != nil {
		t.Fatal(err)
	}
	f.filter(match)
	_, _ = f.Record(full), f.Record(rule)
	if got := f.look(question{}).snapshot; got.Drops != 2*full.Count || len(got.Causes) != 1 {
		t.Errorf("filtered: %d drops of %d causes", got.Drops, len(got.Causes))
	}
	f.filter(nil)
	if got := f.look(question{}).snapshot; got.Drops != 2*full.Count+2*rule.Count {
		t.Errorf("all: %d drops", got.Drops)
	}
}

func TestFeedWritesACapture(t *testing.T) {
	var file memory
	var name string
	f, run := newTestFeed(t, func(n string) (Capture, error) { name = n; return &file, nil })
	_ = f.Record(run.records[0])
	if w, err := f.capture(); err != nil || w.file != "synwatch-20260301T120123Z.ndjson" || name != w.file {
		t.Fatalf("%+v, %v", w, err)
	}
	_ = f.Record(run.records[1])
	w, err := f.capture()
	if err != nil || w.records != 1 {
		t.Errorf("%+v, %v", w, err)
	}
	_ = f.Record(run.records[2])
	text := file.String()
	capturetest.CheckLines(t, text)
	if strings.Count(text, `"type":"drop"`) != 1 || !strings.HasPrefix(text, `{"type":"start"`) || !strings.Contains(text, `"src_port":20001`) {
		t.Errorf("the capture is %s", text)
	}
}

func TestFeedSaysWhyThereIsNoCapture(t *testing.T) {
	denied := errors.New("denied")
	f, _ := newTestFeed(t, func(string) (Capture, error) { return nil, denied })
	if _, err := f.capture(); !errors.Is(err, denied) {
		t.Errorf("got %v", err)
	}
}
