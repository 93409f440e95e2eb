// SPDX-License-Identifier: Apache-2.0

package flood

import (
	"context"
	"errors"
	"net/netip"
	"sync"
)

// PerCPUSender sends to one address from several CPUs at once, from each by a sender
// of its own.
type PerCPUSender struct {
	cpus    []int
	senders []*Sender
}

// NewPerCPUSender returns a sender for all CPUs. All CPUs use the same sources, each in
// another order.
func (l *Lab) NewPerCPUSender(dst netip.AddrPort, m Mix) (*PerCPUSender, error) {
	s := &PerCPUSender{cpus: l.CPUs()}
	for range s.cpus {
		sender, err := l.NewSender(dst, m)
		if err != nil {
			return nil, err
		}
		s.senders = append(s.senders, sender)
		m.Seed++
	}
	return s, nil
}

// Send makes the server receive n packets on each CPU, as Deliver does, and returns when
// it has processed them.
func (s *PerCPUSender) Send(ctx context.Context, n uint64) error {
	errs := make([]error, len(s.senders))
	var wg sync.WaitGroup
	for i, sender := range s.senders {
		wg.Go(func() { errs[i] = sender.Deliver(ctx, s.cpus[i], n) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// Counts is how many packets came from each source so far.
func (s *PerCPUSender) Counts() (map[netip.Addr]uint64, error) {
	total := map[netip.Addr]uint64{}
	for _, sender := range s.senders {
		counts, err := sender.Counts()
		if err != nil {
			return nil, err
		}
		for src, n := range counts {
			total[src] += n
		}
	}
	return total, nil
}
