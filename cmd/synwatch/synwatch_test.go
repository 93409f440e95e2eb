// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"charm.land/lipgloss/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/synwatch/synwatch/pkg/probe"
	"github.com/synwatch/synwatch/pkg/text"
	"github.com/synwatch/synwatch/pkg/watch"
	"golang.org/x/sys/unix"
)

func TestWrongUsage(t *testing.T) {
	for _, test := range []struct{ args, want string }{
		{"trace --count 0", `at least 1`},
		{"trace --count -1", `at least 1`},
		{"trace --port 0", `from 1 to 65535`},
		{"trace --port 65536", `from 1 to 65535`},
		{"trace --port http", `from 1 to 65535`},
		{"trace --src 10.0.0", `an address or a CIDR`},
		{"trace --src 10.0.0.0/33", `an address or a CIDR`},
		{"trace --dst fe80::1%eth0", `an address or a CIDR`},
		{"trace --duration 30", `add a unit, e.g. 30s`},
		{"trace --duration soon", `e.g. 30s`},
		{"trace --duration 0s", `more than 0`},
		{"trace --duration=-3s", `more than 0`},
		{"trace --cause accept-queue", `did you mean accept-queue-full?`},
		{"trace --cause no-listener,conntrack-tabel-full", `did you mean conntrack-table-full?`},
		{"trace --cause zzz", `the causes are accept-queue-full, `},
		{"trace --cause=", `the causes are`},
		{"trace --netns no-such-name", `"no-such-name"`},
		{"trace --direction sideways", `must be in, forward or out`},
		{"trace --direction unrouted", `must be in, forward or out`},
		{"trace --direction=", `must be in, forward or out`},
		{"trace --proto tcq", `unknown protocol "tcq": must be a name (tcp, udp, icmp, icmpv6, sctp, ...), a number, or all`},
		{"trace --proto 256", `unknown protocol "256"`},
		{"trace --proto udp,", `unknown protocol ""`},
		{"trace --color pink", `auto, always or never`},
		{"trace -o /no/such/directory/file", `/no/such/directory/file`},
		{"trace -o /", `/`},
		{"trace extra", `unexpected argument "extra"`},
		{"trace --frob", `unknown flag: --frob`},
		{"trace --btf", `needs an argument`},
		{"hooks extra", `unexpected argument`},
		{"demo extra", `unexpected argument`},
		{"tracee", `unknown command "tracee", did you mean trace?`},
		{"frob", `unknown command "frob"`},
		{"--frob", `unknown flag`},
	} {
		f := newFake()
		got := command(t, f, strings.Fields(test.args)...)
		if got.status != exitUsage || got.stdout != "" || !strings.HasPrefix(got.stderr, "synwatch: ") ||
			strings.Count(got.stderr, "\n") != 1 || !strings.Contains(got.stderr, test.want) {
			t.Errorf("%s: got %+v, want %q", test.args, got, test.want)
		}
		if f.options.Filter.Src != nil || f.closed {
			t.Errorf("%s: the tracer was opened", test.args)
		}
	}
}

func TestExitStatus(t *testing.T) {
	for err, want := range map[error]int{
		nil: exitFine, errors.New("x"): exitFailed,
		fmt.Errorf("%w: too old", probe.ErrCannot):            exitCannot,
		fmt.Errorf("%w: %w", watch.ErrOutput, syscall.EPIPE):  exitFine,
		fmt.Errorf("%w: %w", watch.ErrOutput, syscall.ENOSPC): exitFailed,
		usageError{errors.New("x")}:                           exitUsage,
	} {
		if got := exitStatus(err); got != want {
			t.Errorf("%v: got %d, want %d", err, got, want)
		}
	}
}

func TestCannotTrace(t *testing.T) {
	for _, args := range [][]string{{"trace"}, {"trace", "--json"}, {"hooks"}} {
		var stdout, stderr bytes.Buffer
		e := fakeEnv(newFake(), &stdout, &stderr)
		e.open = func(probe.Options) (tracer, error) {
			return nil, errors.Join(fmt.Errorf("%w: no privilege", probe.ErrCannot), errors.New("twice"))
		}
		status := run(t.Context(), e, args)
		if status != exitCannot || stdout.Len() > 0 || stderr.String() != "synwatch: this machine cannot trace: no privilege; twice\n" {
			t.Errorf("%v: %d, %q, %q", args, status, stdout.String(), stderr.String())
		}
	}
}

func TestTraceText(t *testing.T) {
	f := newFake()
	got := command(t, f, "trace", "--duration", "3s")
	if got.status != exitFine || !f.closed {
		t.Errorf("status %d, closed %v", got.status, f.closed)
	}
	for _, want := range []string{"10.9.0.2:1000", "×2", "6 drops in", "no-listener  6 drops from 3 sources"} {
		if !strings.Contains(got.stdout, want) {
			t.Errorf("no %q in:\n%s", want, got.stdout)
		}
	}
	for _, want := range []string{"on box (6.12.1)", "cannot see all of accept-queue-full, "} {
		if !strings.Contains(got.stderr, want) {
			t.Errorf("no %q in:\n%s", want, got.stderr)
		}
	}
}

func TestTraceJSON(t *testing.T) {
	got := command(t, newFake(), "trace", "--json", "--count", "2")
	types := []string{}
	for line := range strings.Lines(withoutSamples(got.stdout)) {
		var o struct{ Type string }
		if err := json.Unmarshal([]byte(line), &o); err != nil {
			t.Errorf("%v: %s", err, line)
		}
		types = append(types, o.Type)
	}
	if diff := cmp.Diff([]string{"start", "drop", "drop", "summary"}, types); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}

// withoutSamples leaves out of a capture what depends on when it was measured.
func withoutSamples(text string) string {
	var rest strings.Builder
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, `{"type":"sample"`) {
			rest.WriteString(line)
		}
	}
	return rest.String()
}

func TestQuietSaysNothingButTheSummary(t *testing.T) {
	got := command(t, newFake(), "trace", "-q", "--duration", "1s")
	if !strings.HasPrefix(got.stdout, "6 drops") || got.stderr != "" {
		t.Errorf("got %+v", got)
	}
}

func TestFiltersReachTheTracer(t *testing.T) {
	f := newFake()
	got := command(t, f, "trace", "--src", "10.9.0.0/16,fd00::1", "--src", "::ffff:10.1.2.3", "--dst", "::ffff:10.0.0.0/104",
		"--port", "80", "--port", "443", "--netns", fmt.Sprint(os.Getpid()), "--no-coalesce", "--btf", "file", "--duration", "1s",
		"--direction", "forward,out", "--proto", "UDP,17", "--proto", "132")
	// The main thread's, which a test may have left elsewhere.
	self, err := netns.Resolve(fmt.Sprintf("/proc/%d/ns/net", os.Getpid()))
	if err != nil {
		t.Fatal(err)
	}
	prefix := netip.MustParsePrefix
	want := probe.Options{BTF: "file", EveryDrop: true, Filter: probe.Filter{
		Src: []netip.Prefix{prefix("10.9.0.0/16"), prefix("fd00::1/128"), prefix("10.1.2.3/32")},
		Dst: []netip.Prefix{prefix("10.0.0.0/8")}, Ports: []uint16{80, 443}, Netns: []uint32{self},
		Directions: []event.Direction{event.Forward, event.Out}, Protos: []event.Proto{unix.IPPROTO_UDP, unix.IPPROTO_UDP, unix.IPPROTO_SCTP},
	}}
	if diff := cmp.Diff(want, f.options, cmpopts.EquateComparable(netip.Prefix{})); diff != "" || got.status != exitFine {
		t.Errorf("status %d, %s; options (-want +got):\n%s", got.status, got.stderr, diff)
	}
}

func TestOutputFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.json")
	old := strings.Repeat("old capture\n", 1000)
	if err := os.WriteFile(path, []byte(old), 0o644); err != nil {
		t.Fatal(err)
	}
	read := func() string {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	var stdout, stderr bytes.Buffer
	e := fakeEnv(newFake(), &stdout, &stderr)
	e.open = func(probe.Options) (tracer, error) { return nil, probe.ErrCannot }
	if run(t.Context(), e, []string{"trace", "-o", path}) != exitCannot || read() != old {
		t.Error("an old capture is gone although nothing was traced")
	}
	got := command(t, newFake(), "trace", "--json", "-o", path, "--duration", "1s")
	if got.status != exitFine || got.stdout != "" || strings.Contains(read(), "old") || strings.Count(withoutSamples(read()), "\n") != 5 {
		t.Errorf("got %+v, file:\n%s", got, read())
	}
}

func TestClosedPipeEndsQuietly(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	defer w.Close()
	var stderr bytes.Buffer
	if status := run(t.Context(), fakeEnv(newFake(), w, &stderr), []string{"trace", "-q"}); status != exitFine || stderr.Len() > 0 {
		t.Errorf("status %d, %q", status, stderr.String())
	}
}

func TestInterruptEndsWithSummary(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var stdout, stderr bytes.Buffer
	status := run(ctx, fakeEnv(newFake(), &stdout, &stderr), []string{"trace"})
	if status != exitFine || !strings.Contains(stdout.String(), "6 drops in") {
		t.Errorf("status %d:\n%s", status, stdout.String())
	}
}

func TestHooks(t *testing.T) {
	f := newFake()
	got := command(t, f, "hooks")
	for _, want := range []string{
		"kfree_skb            tracepoint  attached\n", "tcp_v4_conn_request  -           unavailable  no kprobes\n",
		"    no-listener\n", "accept-queue-full (syn): only as a total, by the counter TcpExtListenOverflows",
		"The kernel 6.12.1 of box gives drop reasons.",
	} {
		if !strings.Contains(got.stdout, want) {
			t.Errorf("no %q in:\n%s", want, got.stdout)
		}
	}
	if got.status != exitFine || got.stderr != "" || !f.closed {
		t.Errorf("status %d, %q, closed %v", got.status, got.stderr, f.closed)
	}
	got = command(t, newFake(), "hooks", "--json")
	var start struct {
		Type  string
		Hooks []event.HookState
		Blind []string
	}
	if err := json.Unmarshal([]byte(got.stdout), &start); err != nil || start.Type != "start" || len(start.Hooks) != 2 || len(start.Blind) == 0 {
		t.Errorf("%v: %s", err, got.stdout)
	}
}

func TestHelpNamesEveryFlag(t *testing.T) {
	for command, flags := range map[string]string{
		"trace":  "--json --output --rotate-size --rotate-keep --cause --src --dst --port --direction --proto --netns --duration --count --no-coalesce --notices --quiet --color --btf",
		"hooks":  "--json --btf",
		"demo":   "--json --output --quiet --color --btf",
		"report": "--html --markdown --output --color",
	} {
		var stdout bytes.Buffer
		if status := run(t.Context(), fakeEnv(newFake(), &stdout, io.Discard), []string{command, "--help"}); status != exitFine {
			t.Errorf("%s --help: %d", command, status)
		}
		for _, want := range append(strings.Fields(flags), "Examples:") {
			if !strings.Contains(stdout.String(), want) {
				t.Errorf("%s --help does not name %s", command, want)
			}
		}
	}
}

func TestHelpFitsALine(t *testing.T) {
	for _, args := range []string{"", "trace", "top", "report", "check", "conntrack", "explain", "hooks", "demo", "completion", "man"} {
		got := command(t, newFake(), append(strings.Fields(args), "--help")...)
		for line := range strings.Lines(got.stdout) {
			if lipgloss.Width(strings.TrimSuffix(line, "\n")) > text.Width {
				t.Errorf("%s --help: too long: %s", args, line)
			}
		}
	}
}

func TestVersion(t *testing.T) {
	if got := command(t, newFake(), "--version"); got.status != exitFine || !strings.HasPrefix(got.stdout, "synwatch ") {
		t.Errorf("got %+v", got)
	}
}
