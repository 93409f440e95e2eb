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
	return errors.Join(err, f.Lab.Close())
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
	var progs struct {
		Pass *ebpf.Program `ebpf:"pass"`
	}
	if err := loadFloodObjects(&progs, nil); err != nil {
		return fmt.Errorf("load XDP program: %w", err)
	}
	defer progs.Pass.Close()
	var err error
	f.open, err = link.AttachXDP(link.XDPOptions{
		Program: progs.Pass, Interface: f.inlet.Device, Flags: link.XDPDriverMode,
	})
	if err != nil {
		return fmt.Errorf("attach XDP program: %w", err)
	}
	return nil
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), 32)}
}
