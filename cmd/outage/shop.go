// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/synwatch/synwatch/pkg/provoke"
	"golang.org/x/sys/unix"
)

const (
	portShut = 22
	portNone = 23
	portShop = 8080

	backlog = 128
	tick    = 100 * time.Millisecond
)

// shop is the server of a lab, with a listener that accepts no connection.
type shop struct {
	*provoke.Lab
	fds    []int
	outlet int
}

func newShop(ctx context.Context) (*shop, error) {
	lab, err := provoke.NewLab(ctx)
	if err != nil {
		return nil, err
	}
	s := &shop{Lab: lab, outlet: -1}
	if err := errors.Join(lab.ServerDo(s.listen), lab.ClientDo(s.fill), lab.ServerDo(s.protect), lab.ServerDo(func() error { return name("shop") })); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	s.outlet, err = lab.OpenOutlet()
	s.fds = append(s.fds, s.outlet)
	return s, err
}

func (s *shop) Close() error {
	var err error
	for _, fd := range s.fds {
		err = errors.Join(err, unix.Close(fd))
	}
	return errors.Join(err, s.Lab.Close())
}

func (s *shop) addr(port uint16) netip.AddrPort {
	return netip.AddrPortFrom(s.Inlet().Addr, port)
}

func (s *shop) socket(flags int) (int, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|flags, 0)
	if err == nil {
		s.fds = append(s.fds, fd)
	}
	return fd, err
}

func (s *shop) listen() error {
	fd, err := s.socket(0)
	if err != nil {
		return err
	}
	at := &unix.SockaddrInet4{Port: portShop, Addr: s.Inlet().Addr.As4()}
	return errors.Join(unix.Bind(fd, at), unix.Listen(fd, backlog))
}

// fill fills the queue of connections to accept, which takes one more than its limit.
func (s *shop) fill() error {
	to := &unix.SockaddrInet4{Port: portShop, Addr: s.Inlet().Addr.As4()}
	for range backlog + 1 {
		fd, err := s.socket(0)
		if err == nil {
			err = unix.Connect(fd, to)
		}
		if err != nil {
			return fmt.Errorf("connect to the shop: %w", err)
		}
	}
	return nil
}

// protect has a firewall shut a port, and track connections.
func (s *shop) protect() error {
	conn, err := nftables.New()
	if err != nil {
		return err
	}
	table := conn.AddTable(&nftables.Table{Family: nftables.TableFamilyINet, Name: "filter"})
	chain := conn.AddChain(&nftables.Chain{
		Name: "blocklist", Table: table, Type: nftables.ChainTypeFilter,
		Hooknum: nftables.ChainHookInput, Priority: nftables.ChainPriorityFilter,
	})
	conn.AddRule(&nftables.Rule{Table: table, Chain: chain, Exprs: append(provoke.ToPort(portShut), &expr.Verdict{Kind: expr.VerdictDrop})})
	if err := conn.Flush(); err != nil {
		return fmt.Errorf("add nftables rule: %w", err)
	}
	here, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		return err
	}
	return errors.Join(provoke.Track(here), here.Close())
}

// name gives the calling thread's network namespace a name, as ip netns does.
func name(name string) error {
	const dir = "/run/netns"
	path := filepath.Join(dir, name)
	if err := errors.Join(os.MkdirAll(dir, 0o755), os.WriteFile(path, nil, 0o444)); err != nil {
		return err
	}
	if err := unix.Mount("/proc/thread-self/ns/net", path, "none", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("name a network namespace: %w", err)
	}
	return nil
}

// refuse has the crowds come, for as long as the outage lasts.
func (s *shop) refuse(ctx context.Context, crowds []crowd) error {
	random := rand.New(rand.NewPCG(1, 2)) // the same each time
	due := make([]float64, len(crowds))
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	begin, before := time.Now(), time.Duration(0)
	for at := before; at < length && ctx.Err() == nil; at = time.Since(begin) {
		for i, c := range crowds {
			due[i] += c.rate(at) * (at - before).Seconds()
			for ; due[i] >= 1; due[i]-- {
				if err := s.send(c.client(random), s.addr(c.port)); err != nil {
					return err
				}
			}
		}
		before = at
		<-ticker.C
	}
	return nil
}

// send has a SYN come in at the server.
func (s *shop) send(from, to netip.AddrPort) error {
	frame, err := frameOf(from, to, s.Inlet().MAC)
	if err != nil {
		return err
	}
	if _, err = unix.Write(s.outlet, frame); errors.Is(err, unix.ENOBUFS) {
		return nil
	}
	return err
}
