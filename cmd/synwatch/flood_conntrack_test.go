// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/synwatch/synwatch/pkg/flood"
	"github.com/synwatch/synwatch/pkg/needs"
	"github.com/synwatch/synwatch/pkg/provoke"
	"golang.org/x/sys/unix"
)

// TestFloodConntrackInterrupted has a task send SYN-ACKs that a full conntrack table
// refuses, while softirqs on its CPU have SYNs refused, too. A softirq that comes
// between the "no" of early_drop and the return of nf_conntrack_in must leave the
// task's packet its cause. Without the types of modules the hooks are kprobes, of which
// kernels before 6.7 do not count what they miss.
func TestFloodConntrackInterrupted(t *testing.T) {
	needs.VM(t)
	f := newFloods(t)
	needs.File(t, "/sys/kernel/btf/nf_conntrack")
	cpus := f.lab.CPUs()
	needs.CPUs(t, 2)
	fillConntrack(t, f.lab)
	task := &ownSender{from: netip.AddrPortFrom(f.lab.Inlet().Addr, 9), to: netip.AddrPortFrom(clientAddr, 4000)}
	cf := f.refused(t, task)
	sender, err := f.lab.NewSender(cf.target.Addr, flood.Mix{Sources: 16})
	skipIfCannot(t, err)
	cf.sender = single{sender, cpus[0]}
	if err := f.lab.ServerDo(func() error { return steer(cpus[1]) }); err != nil {
		t.Fatal(err)
	}
	p := startProcess(t, f.only()...)
	stop := task.start(t, f.lab, cpus[1])
	cf.sendBursts(t, 5*time.Second)
	stop()
	o := p.stop()
	f.checkRefused(t, o, cf, task)
}

// clientAddr is the lab's client, which the server has a route to.
var clientAddr = netip.MustParseAddr("10.0.0.2")

// fillConntrack has the server's table hold one established connection, which
// early_drop leaves alone, and nothing else.
func fillConntrack(t *testing.T, lab *flood.Lab) {
	t.Helper()
	if err := lab.ServerDo(track); err != nil {
		t.Fatal(err)
	}
	full, err := flood.AcceptQueue.Prepare(lab)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = full.Close() })
	const limit = "/proc/sys/net/netfilter/nf_conntrack_max"
	old, err := os.ReadFile(limit)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.WriteFile(limit, old, 0) })
	if err := os.WriteFile(limit, []byte("1"), 0); err != nil {
		t.Fatal(err)
	}
}

// track makes connection tracking work in the current network namespace.
func track() error {
	conn, err := nftables.New()
	if err != nil {
		return err
	}
	table := conn.AddTable(&nftables.Table{Family: nftables.TableFamilyIPv4, Name: "track"})
	chain := conn.AddChain(&nftables.Chain{
		Name: "track", Table: table, Type: nftables.ChainTypeFilter,
		Hooknum: nftables.ChainHookInput, Priority: nftables.ChainPriorityFilter,
	})
	conn.AddRule(&nftables.Rule{Table: table, Chain: chain, Exprs: []expr.Any{&expr.Ct{Key: expr.CtKeySTATE, Register: 1}}})
	return conn.Flush()
}

// refused is the flood that comes in: what conntrack refused less what the task
// sent.
func (f *floods) refused(t *testing.T, task *ownSender) *causeFlood {
	t.Helper()
	return &causeFlood{cause: "conntrack-table-full", target: &flood.Target{
		Addr: netip.AddrPortFrom(f.lab.Inlet().Addr, 9),
		Dropped: func() (uint64, error) {
			all, err := f.lab.Counters()
			return all["Conntrackdrop"] - task.refused.Load(), err
		},
	}}
}

// checkRefused demands that the task's packets have their cause, and that all others
// are reported or lost, with another cause only where the kernel did not run a program
// within itself.
func (f *floods) checkRefused(t *testing.T, o *reportedDrops, cf *causeFlood, task *ownSender) {
	t.Helper()
	own := task.refused.Load()
	if got := o.count(cf.cause, clientAddr); got != own || own == 0 {
		t.Errorf("of %d SYN-ACKs of the task %d were reported as %s: %v", own, got, cf.cause, byCause(o, clientAddr))
	}
	counts, err := cf.sender.Counts()
	if err != nil {
		t.Fatal(err)
	}
	var sent, unreported, inexact uint64
	for src, want := range counts {
		causes := byCause(o, src)
		got := sumOf(causes)
		if got > want {
			t.Errorf("of %d SYNs from %s %d were reported: %v", want, src, got, causes)
		}
		sent += want
		unreported += want - got
		inexact += got - causes[cf.cause]
	}
	s := &o.summary
	if unreported != s.Lost {
		t.Errorf("%d of %d SYNs were not reported, and %d are said to be lost", unreported, sent, s.Lost)
	}
	if inexact > s.Missed {
		t.Errorf("%d of %d SYNs have another cause, and only %d calls were missed", inexact, sent, s.Missed)
	}
	t.Logf("%d SYN-ACKs of the task; %d SYNs, %d of them lost and %d with a less exact cause; %d calls missed", own, sent, unreported, inexact, s.Missed)
}

// byCause is the reported drops of a source.
func byCause(o *reportedDrops, src netip.Addr) map[string]uint64 {
	causes := map[string]uint64{}
	for cause, counts := range o.counts {
		if n := counts[src]; n > 0 {
			causes[cause] = n
		}
	}
	return causes
}

// ownSender is a task that sends SYN-ACKs of no connection.
type ownSender struct {
	from, to netip.AddrPort
	refused  atomic.Uint64
}

// ownLimit bounds what the task sends.
const ownLimit = 2_000_000

// start sends on the CPU until stop is called.
func (s *ownSender) start(t *testing.T, lab *flood.Lab, cpu int) (stop func()) {
	t.Helper()
	done, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- lab.ServerDo(func() error {
			if err := provoke.PinTo(cpu); err != nil {
				return err
			}
			return s.send(done)
		})
	}()
	return func() {
		close(done)
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

func (s *ownSender) send(done <-chan struct{}) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_RAW)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	packet, to := s.packet(), &unix.SockaddrInet4{Addr: s.to.Addr().As4()}
	for range ownLimit {
		select {
		case <-done:
			return nil
		default:
		}
		if err := unix.Sendto(fd, packet, 0, to); !errors.Is(err, unix.EPERM) {
			return fmt.Errorf("the kernel did not refuse a packet: %v", err)
		}
		s.refused.Add(1)
	}
	return nil
}

// packet is an IPv4 header, of which the kernel fills in the checksum, and that
// of a SYN-ACK.
func (s *ownSender) packet() []byte {
	b := make([]byte, 40)
	b[0], b[8], b[9] = 0x45, 64, unix.IPPROTO_TCP
	from, to := s.from.Addr().As4(), s.to.Addr().As4()
	copy(b[12:], from[:])
	copy(b[16:], to[:])
	binary.BigEndian.PutUint16(b[20:], s.from.Port())
	binary.BigEndian.PutUint16(b[22:], s.to.Port())
	b[32], b[33] = 5<<4, 0x12
	return b
}
