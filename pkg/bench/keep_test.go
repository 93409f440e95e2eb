// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"iter"
	"net/netip"
	"strconv"
	"testing"
)

// TestKeep has a command go on from one measurement to the next: it is started once, each
// measurement reads what was written since it began, and stop ends it.
func TestKeep(t *testing.T) {
	starts := 0
	var read []int // the lines of the last measurement, which are numbers
	numbers := format{
		shows: func([]byte, netip.Addr) bool { return true },
		report: func(lines iter.Seq[[]byte], _ Watched) (report Report, err error) {
			read = nil
			for line := range lines {
				n, err := strconv.Atoi(string(line))
				if err != nil {
					return report, err
				}
				read = append(read, n)
			}
			return report, nil
		},
	}
	keeping, stop := Keep(Contender{Start: func(ctx context.Context, w Watched) (Tracer, error) {
		starts++
		return startCommand(ctx, numbers, w, "sh", func(string) []string {
			return []string{"-c", "trap exit INT; n=0; while :; do echo $n; n=$((n + 1)); sleep 0.01; done"}
		})
	}})
	last := -1
	for range 2 {
		tracer, err := keeping.Start(t.Context(), Watched{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tracer.Stop(); err != nil {
			t.Fatal(err)
		}
		if len(read) == 0 || read[0] <= last {
			t.Fatalf("read %d after %d", read, last)
		}
		last = read[len(read)-1]
	}
	command := lastCommand(t, keeping)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if starts != 1 || command.cmd.ProcessState == nil {
		t.Errorf("started %d times, ended as %v", starts, command.cmd.ProcessState)
	}
}

// lastCommand is the command that goes on.
func lastCommand(t *testing.T, keeping Contender) *command {
	t.Helper()
	tracer, err := keeping.Start(t.Context(), Watched{})
	if err != nil {
		t.Fatal(err)
	}
	return tracer.(kept).command
}

// TestKeepNothing leaves a contender that is no command as it is.
func TestKeepNothing(t *testing.T) {
	stopped := 0
	keeping, stop := Keep(Contender{Start: func(context.Context, Watched) (Tracer, error) {
		return silent{func() error { stopped++; return nil }}, nil
	}})
	for range 2 {
		tracer, err := keeping.Start(t.Context(), Watched{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tracer.Stop(); err != nil {
			t.Fatal(err)
		}
	}
	if err := stop(); err != nil || stopped != 2 {
		t.Errorf("stopped %d times (%v), want 2", stopped, err)
	}
}
