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

// Field is a lab whose server can be flooded.
type Field struct {
	*provoke.Lab
	inlet provoke.Inlet
	open  link.Link
	// paint is the XDP program of all senders, and used how many of them there are.
	paint   *ebpf.Program
	senders *ebpf.Map
	used    uint32
}

// NewField makes a lab. It needs root.
func NewField(ctx context.Context) (*Field, error) {
	lab, err := provoke.NewLab(ctx)
	if errors.Is(err, unix.EPERM) {
		return nil, fmt.Errorf("%w without root: %w", ErrCannot, err)
	}
	if err != nil {
		return nil, err
	}
	f := &Field{Lab: lab, inlet: lab.Inlet()}
	if err := lab.ServerDo(f.prepare); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// Close removes the lab.
func (f *Field) Close() error {
	var err error
	if f.open != nil {
		err = f.open.Close()
	}
	return errors.Join(err, f.unload(), f.Lab.Close())
}

// load loads the XDP program.
func (f *Field) load() error {
	var objects struct {
		Paint   *ebpf.Program `ebpf:"paint"`
		Senders *ebpf.Map     `ebpf:"senders"`
	}
	if err := loadFloodObjects(&objects, nil); err != nil {
		return fmt.Errorf("load XDP program: %w", err)
	}
	f.paint, f.senders = objects.Paint, objects.Senders
	return nil
}

func (f *Field) unload() error {
	return errors.Join(f.paint.Close(), f.senders.Close())
}

func (f *Field) prepare() error {
	if err := f.openInlet(); err != nil {
		return err
	}
	// Answers to the sources end at once, without a packet: there is no way to
	// them. Packets from them are taken all the same, as rp_filter is off.
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

// openInlet gives the server's device the queue that frames come in at.
func (f *Field) openInlet() error {
	if err := f.load(); err != nil {
		return err
	}
	var err error
	f.open, err = link.AttachXDP(link.XDPOptions{
		Program: f.paint, Interface: f.inlet.Device, Flags: link.XDPDriverMode,
	})
	if err != nil {
		return fmt.Errorf("attach XDP program: %w", err)
	}
	return nil
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), 32)}
}
