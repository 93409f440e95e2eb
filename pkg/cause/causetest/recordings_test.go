// SPDX-License-Identifier: Apache-2.0

package causetest

import (
	"bytes"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/synwatch/synwatch/pkg/event"
)

// logOf is what a test writes on a kernel where a packet is freed in a function.
func logOf(t *testing.T, function string) string {
	t.Helper()
	var b bytes.Buffer
	b.WriteString("PASS\n")
	cov := event.Coverage{
		Hooks:      []event.HookState{{Name: "kfree_skb", Status: event.Attached}},
		Observable: event.NoSocket | event.DeferAccept, HasReasons: true, Reasons: map[string]bool{"NO_SOCKET": true},
	}
	no := Of(&event.Event{Hook: event.HookFree, Facts: event.NoSocket | event.ResetSent, Reason: "NO_SOCKET", Location: function})
	deferred := Of(&event.Event{Hook: event.HookFree, Facts: event.DeferAccept, Location: function})
	for _, family := range []string{"v4", "v6"} {
		p := &Provoked{Name: "no-listener", Want: []Want{{Cause: "no-listener", Kinds: 1}}, Events: []Event{no}}
		for _, l := range []Line{{Provoked: p, Family: family, Passed: []Event{deferred}}, {Coverage: CoverageOf(&cov)}} {
			if err := WriteLine(&b, l); err != nil {
				t.Fatal(err)
			}
		}
	}
	return b.String()
}

func readLog(t *testing.T, r *Recordings, kernel, log string) {
	t.Helper()
	if err := r.ReadLog(kernel, strings.NewReader(log)); err != nil {
		t.Fatal(err)
	}
}

// written is the recordings as they are in a directory.
func written(t *testing.T, r *Recordings) (dir, provoked string) {
	t.Helper()
	dir = t.TempDir()
	if err := r.Write(dir); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, provokedFile))
	if err != nil {
		t.Fatal(err)
	}
	return dir, string(text)
}

func TestRecordAgain(t *testing.T) {
	first := &Recordings{Kernels: map[string]*Coverage{}}
	for _, kernel := range []string{"6.12", "6.1", "5.10"} {
		readLog(t, first, kernel, logOf(t, "tcp_v4_rcv"))
	}
	dir, before := written(t, first)
	if strings.Count(before, "no-listener") != 2 || !strings.Contains(before, `{"v4 v6":"5.10 6.1 6.12"}`) {
		t.Errorf("what kernels have in common is not there once:\n%s", before)
	}

	second, err := Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(first, second); diff != "" {
		t.Errorf("read (-written +read):\n%s", diff)
	}
	readLog(t, second, "6.1", logOf(t, "tcp_v4_rcv"))
	if _, after := written(t, second); after != before {
		t.Errorf("the same recorded again:\n%s", cmp.Diff(before, after))
	}
	readLog(t, second, "6.1", logOf(t, "tcp_v4_do_rcv"))
	_, after := written(t, second)
	for _, want := range []string{`{"v4 v6":"5.10 6.12"}`, `{"v4 v6":"6.1"}`} {
		if !strings.Contains(after, want) {
			t.Errorf("no %s in:\n%s", want, after)
		}
	}
}

func TestDecode(t *testing.T) {
	want := event.Event{Hook: event.HookFree, Facts: event.NoSocket | event.TimeWaitSocket, Reason: "NO_SOCKET", Location: "tcp_v4_rcv", Count: 1}
	recorded := Of(&want)
	for family, address := range map[string]string{"v4": "0.0.0.0:0", "mapped": "0.0.0.0:0", "v6": "[::]:0"} {
		want.Dst = netip.MustParseAddrPort(address)
		got, err := recorded.Decode(family)
		if err != nil || got != want {
			t.Errorf("got %+v, %v", got, err)
		}
	}
	recorded.Facts = "no-such-fact"
	if _, err := recorded.Decode("v4"); err == nil {
		t.Error("a fact that there is not was decoded")
	}
}

func TestLogWithoutRecording(t *testing.T) {
	r := &Recordings{Kernels: map[string]*Coverage{}}
	if err := r.ReadLog("6.12", strings.NewReader("PASS\n")); err == nil {
		t.Error("a log without a recording was taken")
	}
}
