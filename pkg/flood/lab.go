// SPDX-License-Identifier: Apache-2.0

package flood

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"github.com/synwatch/synwatch/pkg/provoke"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// ErrCannot is the cause of errors that say what this machine lacks.
var ErrCannot = errors.New("this machine cannot make floods")

// Lab is a lab whose server can be flooded.
type Lab struct {
	*provoke.Lab
	inlet provoke.Inlet
	open  link.Link
	// program is the XDP program of all senders, senders its map, and numSenders how
	// many there are.
	program    *ebpf.Program
	senders    *ebpf.Map
	numSenders uint32
	// replay is the XDP program of a Replay, and replayed the map of its frames.
	replay   *ebpf.Program
	replayed *ebpf.Map
}

// NewLab makes a lab. It needs root.
func NewLab(ctx context.Context) (*Lab, error) {
	lab, err := provoke.NewLab(ctx)
	if errors.Is(err, unix.EPERM) {
		return nil, fmt.Errorf("%w without root: %w", ErrCannot, err)
	}
	if err != nil {
		return nil, err
	}
	l := &Lab{Lab: lab, inlet: lab.Inlet()}
	if err := lab.ServerDo(l.prepare); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// Close removes the lab.
func (l *Lab) Close() error {
	var err error
	if l.open != nil {
		err = l.open.Close()
	}
	return errors.Join(err, l.unload(), l.Lab.Close())
}

// load loads the XDP program.
func (l *Lab) load() error {
	var objects struct {
		Program *ebpf.Program `ebpf:"write_source"`
		Senders *ebpf.Map     `ebpf:"senders"`

		Replay   *ebpf.Program `ebpf:"replay"`
		Replayed *ebpf.Map     `ebpf:"replayed"`
	}
	if err := loadFloodObjects(&objects, nil); err != nil {
		return fmt.Errorf("load XDP program: %w", err)
	}
	l.program, l.senders = objects.Program, objects.Senders
	l.replay, l.replayed = objects.Replay, objects.Replayed
	return nil
}

func (l *Lab) unload() error {
	return errors.Join(l.program.Close(), l.senders.Close(), l.replay.Close(), l.replayed.Close())
}

func (l *Lab) prepare() error {
	if err := l.openInlet(); err != nil {
		return err
	}
	// A blackhole route ends replies to the sources at once, without a packet. The
	// server accepts packets from them, as rp_filter is off.
	prefixes := []netip.Prefix{Sources}
	for _, a := range Singles {
		prefixes = append(prefixes, netip.PrefixFrom(a, a.BitLen()))
	}
	for _, p := range prefixes {
		err := netlink.RouteAdd(&netlink.Route{Dst: ipNet(p), Type: unix.RTN_BLACKHOLE})
		if err != nil {
			return fmt.Errorf("add blackhole route to %s: %w", p, err)
		}
	}
	return nil
}

// openInlet attaches the XDP program, which gives the server's veth device the queue
// through which frames come in.
func (l *Lab) openInlet() error {
	if err := l.load(); err != nil {
		return err
	}
	var err error
	l.open, err = link.AttachXDP(link.XDPOptions{
		Program: l.program, Interface: l.inlet.Device, Flags: link.XDPDriverMode,
	})
	if err != nil {
		return fmt.Errorf("attach XDP program: %w", err)
	}
	return nil
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), 32)}
}
