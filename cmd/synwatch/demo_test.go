// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/synwatch/synwatch/pkg/needs"
	"github.com/synwatch/synwatch/pkg/probe"
	"github.com/synwatch/synwatch/pkg/provoke"
)

// provoked is what the fake tracer's events come from.
func provoked() []provoke.Drop {
	var drops []provoke.Drop
	for _, e := range newFake().events {
		drops = append(drops, provoke.Drop{Cause: "no-listener", Src: e.Src.Addr(), Dst: e.Dst, Count: e.Count})
	}
	return drops
}

func TestTraceProvoked(t *testing.T) {
	blind := provoke.Drop{
		Cause: "accept-queue-full", Stage: "syn", Count: 4,
		Src: netip.MustParseAddr("10.9.9.9"), Dst: netip.MustParseAddrPort("10.0.0.1:1"),
	}
	notice := provoke.Drop{Cause: "syn-cookie-sent", Notice: true, Count: 9}
	short, extra := provoked()[:2], append(provoked(), provoke.Drop{Cause: "no-listener", Src: blind.Src, Dst: blind.Dst, Count: 7})
	for name, test := range map[string]struct {
		drops  []provoke.Drop
		err    error
		status int
		want   string
	}{
		"all named":  {drops: append(provoked(), notice), want: "6 drops provoked, 6 named, none missed"},
		"unseen":     {drops: append(provoked(), blind), want: "10 drops provoked; this kernel shows 6 of them, and all of these were named; it does not show accept-queue-full (syn)"},
		"too much":   {drops: short, status: exitFailed, want: "no-listener from 10.9.0.2 to 10.0.0.1:443: 0 provoked, 2 traced"},
		"too little": {drops: extra, status: exitFailed, want: "no-listener from 10.9.9.9 to 10.0.0.1:1: 7 provoked, 0 traced"},
		"error":      {err: errors.New("no veth"), status: exitFailed, want: "synwatch: no veth"},
	} {
		t.Run(name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			e := fakeEnv(newFake(), &stdout, &stderr)
			var o traceOptions
			o.format.color = "never"
			err := e.traceProvoked(t.Context(), &o, func(context.Context, *recorder) ([]provoke.Drop, error) { return test.drops, test.err })
			if err != nil {
				e.say(err.Error())
			}
			if got := exitStatus(err); got != test.status || !strings.Contains(stderr.String(), test.want) {
				t.Errorf("status %d, want %d and %q in:\n%s", got, test.status, test.want, stderr.String())
			}
			if !strings.Contains(stdout.String(), "6 drops in") {
				t.Errorf("no summary in:\n%s", stdout.String())
			}
		})
	}
}

func TestStepsExist(t *testing.T) {
	for _, s := range steps {
		if named(t, s.name).Global {
			t.Errorf("%s changes the whole machine", s.name)
		}
	}
}

// needTracer skips where the running kernel or the missing privilege says so.
func needTracer(t *testing.T) {
	t.Helper()
	needs.Root(t)
	tr, err := probe.Open(probe.Options{})
	if errors.Is(err, probe.ErrCannot) {
		needs.Hooks(t, false, err.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := tr.Close(); err != nil {
		t.Error(err)
	}
}

func TestDemoForReal(t *testing.T) {
	needTracer(t)
	var stdout, stderr bytes.Buffer
	e := realEnv()
	e.stdout, e.stderr = &stdout, &stderr
	if status := run(t.Context(), e, []string{"demo"}); status != exitFine {
		t.Errorf("status %d", status)
	}
	if !strings.Contains(stderr.String(), " named") || !strings.Contains(stdout.String(), "no-listener  6 drops from 3 sources") {
		t.Errorf("stdout:\n%s\nstderr:\n%s", stdout.String(), stderr.String())
	}
	published := named(t, "netfilter-drop/published").Missing()
	if shown := strings.Contains(stdout.String(), "addressed to 10.0.0.1:"); shown != (published == nil) {
		t.Errorf("a record of a published port: %t; cannot be provoked: %v:\n%s", shown, published, stdout.String())
	}
	if listener := fmt.Sprintf("[%d]", os.Getpid()); !strings.Contains(stdout.String(), listener) {
		t.Errorf("no record names the listener %s:\n%s", listener, stdout.String())
	}
}

// An interrupt ends the demonstration before all is provoked, soon after the tracer is
// open: that alone takes more than ten seconds where the machine is emulated.
func TestDemoInterrupted(t *testing.T) {
	opening := time.Now()
	needTracer(t)
	limit := time.Since(opening) + 10*time.Second
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	var stdout, stderr bytes.Buffer
	e := realEnv()
	e.stdout, e.stderr = &stdout, &stderr
	began := time.Now()
	status, took := run(ctx, e, []string{"demo"}), time.Since(began)
	if status != exitFine || took > limit || strings.Count(stderr.String(), "=> ") >= len(steps) {
		t.Errorf("status %d after %v:\n%s", status, took, stderr.String())
	}
}
