// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/synwatch/synwatch/pkg/state"
)

// What cannot be decompressed ends the capture; what came before it counts.
func TestDamagedCompression(t *testing.T) {
	text := strings.Repeat(drop, 5000)
	for name, data := range compress(t, text) {
		middle := bytes.Clone(data)
		copy(middle[len(data)*2/3:], "overwritten, by something else")
		for damage, test := range map[string]struct {
			data  []byte
			drops uint64 // at least
		}{
			"cut":                    {data[:len(data)-1], 0},
			"garbage behind":         {append(bytes.Clone(data), "garbage behind"...), 5000},
			"zeros behind":           {append(bytes.Clone(data), make([]byte, 1000)...), 5000},
			"overwritten":            {middle, 0},
			"the header alone":       {data[:5], 0},
			"a part of the header":   {data[:4], 0},
			"another, which is cut":  {append(bytes.Clone(data), data[:len(data)/2]...), 5000},
			"a wrong sum at the end": {append(bytes.Clone(data[:len(data)-4]), 1, 2, 3, 4), 4900},
		} {
			s, stats, skipped := replay(t, string(test.data))
			if got := s.Snapshot(time.Time{}).Drops; got < test.drops || stats.Skipped == 0 || stats.Skipped > 1 && damage != "overwritten" || !strings.Contains(skipped[len(skipped)-1], ": the compressed data are damaged from here on: ") {
				t.Errorf("%s, %s: %d drops, %+v, skipped %q", name, damage, got, stats, skipped)
			}
		}
	}
}

// A file that cannot be read is no damaged one.
func TestReadFails(t *testing.T) {
	broken := errors.New("input/output error")
	data := compress(t, strings.Repeat(drop, 5000))
	data["plain"] = []byte(strings.Repeat(drop, 5000))
	for name, data := range data {
		from := io.MultiReader(bytes.NewReader(data[:len(data)-10]), iotest.ErrReader(broken))
		if stats, err := Read(from, state.New(), Options{}); !errors.Is(err, broken) || stats.Skipped > 0 {
			t.Errorf("%s: %v, %+v", name, err, stats)
		}
	}
}

func TestTooMuchMemoryToDecompress(t *testing.T) {
	var b bytes.Buffer
	z, err := zstd.NewWriter(&b, zstd.WithWindowSize(64<<20), zstd.WithSingleSegment(false))
	if err != nil {
		t.Fatal(err)
	}
	for range 40 { // more than the window that is allowed
		if _, err := io.WriteString(z, strings.Repeat(drop, 2000)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(&b, state.New(), Options{}); err == nil || !strings.Contains(err.Error(), "takes more than 8 MiB of memory to decompress") {
		t.Errorf("got %v", err)
	}
}

// repeated reads the same text again and again.
type repeated struct {
	text string
	left int // bytes
	at   int
}

func (r *repeated) Read(b []byte) (int, error) {
	if r.left == 0 {
		return 0, io.EOF
	}
	n := copy(b[:min(len(b), r.left)], r.text[r.at:])
	r.at = (r.at + n) % len(r.text)
	r.left -= n
	return n, nil
}

// A line of any length takes no more memory than the longest that is read.
func TestALineWithoutEnd(t *testing.T) {
	const length = 3 * maxLine
	for _, part := range []string{"x", `{"type":"drop",`, "[", "\x00", "\r"} {
		from := io.MultiReader(strings.NewReader(drop), &repeated{text: strings.Repeat(part, 4096), left: length / len(part) * len(part)}, strings.NewReader("\n"+drop))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		s := state.New()
		stats, err := Read(from, s, Options{})
		runtime.ReadMemStats(&after)
		if got := s.Snapshot(time.Time{}).Drops; err != nil || got != 2 || stats.Lines != 3 || stats.Understood() != 2 {
			t.Errorf("%q: %v, %d drops, %+v", part, err, got, stats)
		}
		if took := after.TotalAlloc - before.TotalAlloc; took > 8*maxLine {
			t.Errorf("%q: %d MiB were allocated", part, took>>20)
		}
	}
}

// However long the names in records are, what is kept of them is bounded.
func TestLongNamesTakeLittleMemory(t *testing.T) {
	var before, after runtime.MemStats
	s := state.New()
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range 2 * state.MaxNewest {
		name := strings.Repeat(fmt.Sprint(i, " "), 300)
		line := fmt.Sprintf(`{"type":"drop","time":"2026-03-01T12:00:00Z","cause":"netfilter-drop","count":1,"direction":"in","dst":"10.0.0.1","dst_port":%d,`+
			`"netns":7,"netns_name":"%[2]s","hook":"%[2]s","reason":"%[2]s","target":{"netns":1,"container":"%[2]s"},"listener":{"port":1,"comm":"%[2]s"},`+
			`"process":{"pid":1,"unit":"%[2]s"},"evidence":{"nf_table":"%[2]s","interface":"%[2]s"}}`, i, name)
		if _, err := Read(strings.NewReader(line), s, Options{}); err != nil {
			t.Fatal(err)
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if n := s.Snapshot(time.Time{}).Drops; n != 2*state.MaxNewest {
		t.Errorf("%d drops", n)
	}
	if takes := int64(after.HeapAlloc) - int64(before.HeapAlloc); takes > 40<<20 {
		t.Errorf("it takes %d MiB", takes>>20)
	}
}

// What editors, other systems and a crash make of a file.
func TestOtherEndsOfLines(t *testing.T) {
	crlf := strings.ReplaceAll(drop+drop, "\n", "\r\n")
	for name, test := range map[string]struct {
		text             string
		drops            uint64
		skipped, unknown uint64
	}{
		"CRLF":                 {crlf, 2, 0, 0},
		"no newline":           {strings.TrimSuffix(drop+drop, "\n"), 2, 0, 0},
		"blank lines":          {"\n \n" + drop + "\t\r\n" + drop + "\n\n", 2, 0, 5},
		"CR alone":             {strings.ReplaceAll(drop+drop, "\n", "\r"), 0, 1, 0},
		"zeros at the end":     {drop + drop + string(make([]byte, 4096)), 2, 1, 0},
		"zeros in the middle":  {drop + string(make([]byte, 4096)) + drop + drop, 2, 1, 0},
		"UTF-16":               {"\xff\xfe" + strings.Join(strings.Split(drop, ""), "\x00"), 0, 1, 0},
		"an empty file":        {"", 0, 0, 0},
		"one newline":          {"\n", 0, 0, 1},
		"another program's":    {`{"level":"info","msg":"hello"}` + "\n" + `{"type":"log","time":5}` + "\n", 0, 1, 1},
		"JSON over some lines": {"{\n  \"type\": \"drop\"\n}\n", 0, 3, 0},
		"all in an array":      {"[" + strings.TrimSpace(drop) + "]\n", 0, 1, 0},
		"two on a line":        {strings.TrimSpace(drop) + drop, 0, 1, 0},
	} {
		s, stats, skipped := replay(t, test.text)
		if got := s.Snapshot(time.Time{}).Drops; got != test.drops || stats.Skipped != test.skipped || stats.Unknown != test.unknown {
			t.Errorf("%s: %d drops, %+v, skipped %q", name, got, stats, skipped)
		}
	}
}
