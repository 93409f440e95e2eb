// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"errors"
	"os"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/ringbuf"
	"github.com/synwatch/synwatch/pkg/needs"
)

// newTestBell returns a wakeup and what puts a detail into its ring buffer.
func newTestBell(t *testing.T) (b *wakeup, put func()) {
	t.Helper()
	needs.Root(t)
	details, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.RingBuf, MaxEntries: uint32(os.Getpagesize())})
	if err != nil {
		t.Fatal(err)
	}
	ring, err := ringbuf.NewReader(details)
	if err != nil {
		t.Fatal(err)
	}
	prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{Type: ebpf.SocketFilter, License: "Dual BSD/GPL", Instructions: asm.Instructions{
		asm.Mov.Imm(asm.R1, 1),
		asm.StoreMem(asm.RFP, -8, asm.R1, asm.DWord),
		asm.LoadMapPtr(asm.R1, details.FD()),
		asm.Mov.Reg(asm.R2, asm.RFP),
		asm.Add.Imm(asm.R2, -8),
		asm.Mov.Imm(asm.R3, 8),
		asm.Mov.Imm(asm.R4, 0),
		asm.FnRingbufOutput.Call(),
		asm.Return(),
	}})
	if err != nil {
		t.Fatal(err)
	}
	if b, err = newWakeup(details, ring); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(b.close(), b.close(), prog.Close(), ring.Close(), details.Close()); err != nil {
			t.Error(err)
		}
	})
	return b, func() {
		if status, err := prog.Run(&ebpf.RunOptions{Data: make([]byte, 64)}); status != 0 || err != nil {
			t.Errorf("put a detail: %d, %v", int32(status), err)
		}
	}
}

func TestWakeup(t *testing.T) {
	b, put := newTestBell(t)
	never := time.Now().Add(time.Hour)
	for name, test := range map[string]struct {
		ring  func()
		until time.Time
	}{
		"woken":    {b.wake, never},
		"detail":   {put, never},
		"too late": {func() {}, time.Now().Add(time.Millisecond)},
	} {
		for _, after := range []time.Duration{0, 20 * time.Millisecond} {
			t.Run(name, func(t *testing.T) {
				if after == 0 {
					test.ring()
				} else {
					time.AfterFunc(after, test.ring)
				}
				if err := b.wait(test.until); err != nil {
					t.Error(err)
				}
				for b.ring.AvailableBytes() > 0 {
					if _, err := b.ring.Read(); err != nil {
						t.Fatal(err)
					}
				}
			})
		}
	}
}

// It ends a wait for a tick, too.
func TestTracerWakes(t *testing.T) {
	b, _ := newTestBell(t)
	c, err := newClock(time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	tracer := &Tracer{drain: newTestDrain(false), clock: c, wakeup: b, stopping: make(chan struct{})}
	for _, quietFor := range []time.Duration{0, time.Hour} {
		tracer.drain.quietSince = time.Now().Add(-quietFor)
		time.AfterFunc(20*time.Millisecond, tracer.Wake)
		if err := tracer.await(time.Now().Add(2 * time.Hour)); err != nil {
			t.Error(err)
		}
	}
}

func TestDrainIsQuietAfterAWhile(t *testing.T) {
	d, now := newTestDrain(false), time.Now()
	if d.isQuiet(now) {
		t.Error("quiet before it has looked")
	}
	d.quietSince = now
	if d.isQuiet(now.Add(quiet-1)) || !d.isQuiet(now.Add(quiet)) {
		t.Errorf("not quiet after exactly %v", quiet)
	}
}
