// SPDX-License-Identifier: Apache-2.0

package screen

import (
	"context"
	"fmt"
	"io"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/stream"
)

// BenchmarkScreen is what a screen takes of a CPU beside a run whose records come from so
// many sources, each with one a second: of a flood, a record stands for any number of drops.
func BenchmarkScreen(b *testing.B) {
	for _, sources := range []int{0, 16, 1000} {
		for _, size := range [][2]int{{80, 24}, {200, 60}} {
			b.Run(fmt.Sprintf("sources=%d/%dx%d", sources, size[0], size[1]), func(b *testing.B) {
				benchmarkScreen(b, sources, size[0], size[1])
			})
		}
	}
}

func benchmarkScreen(b *testing.B, sources, width, height int) {
	feed := NewFeed(time.Now, nil)
	_ = feed.Start(stream.Start{Time: time.Now()})
	keys, typed := io.Pipe()
	defer typed.Close()
	s := New(&Config{Input: keys, Output: io.Discard, Environ: unicode, Feed: feed, Parse: parse, Width: width, Height: height})
	done := make(chan error, 1)
	go func() { done <- s.Run(context.Background()) }()
	time.Sleep(time.Second)
	begin, wall := cpuTime(), time.Now()
	for b.Loop() {
		second(b, feed, sources)
	}
	b.ReportMetric(100*(cpuTime()-begin).Seconds()/time.Since(wall).Seconds(), "%CPU")
	b.ReportMetric(0, "ns/op")
	s.Quit()
	if err := <-done; err != nil {
		b.Fatal(err)
	}
}

// second is a second of a run.
func second(b *testing.B, feed *Feed, sources int) {
	full := lookupCause(b, "accept-queue-full")
	for i := range sources {
		_ = feed.Record(stream.Record{Cause: full, Event: event.Event{
			Time: time.Now(), Count: 1_000_000 / uint64(sources), Direction: event.In, Proto: event.TCP,
			Src: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 9, byte(i >> 8), byte(i)}), 4000), Dst: netip.MustParseAddrPort("10.0.0.1:443"),
		}})
	}
	time.Sleep(time.Second)
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
