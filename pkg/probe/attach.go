// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"errors"
	"os"
	"slices"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

// attachment is a program that is loaded and attached.
type attachment struct {
	prog *ebpf.Program
	link link.Link
}

func (a attachment) close() error {
	return errors.Join(a.link.Close(), a.prog.Close())
}

func closeAll(all []attachment) error {
	var errs []error
	for _, a := range all {
		errs = append(errs, a.close())
	}
	return errors.Join(errs...)
}

// attach loads a program and attaches it.
func (l *loader) attach(name string, to func(*ebpf.Program) (link.Link, error)) (attachment, error) {
	prog, err := l.program(name)
	if err != nil {
		return attachment{}, err
	}
	at, err := to(prog)
	if err != nil {
		return attachment{}, errors.Join(err, prog.Close())
	}
	return attachment{prog, at}, nil
}

func attachTracing(p *ebpf.Program) (link.Link, error) {
	return link.AttachTracing(link.TracingOptions{Program: p})
}

// attachFentry attaches a hook with fentry and fexit programs, all or none.
func (l *loader) attachFentry(h *hook) ([]attachment, error) {
	if l.fentryRefused != nil {
		return nil, l.fentryRefused
	}
	all, err := l.attachAll(h.fentryPrograms(), func(_ string, p *ebpf.Program) (link.Link, error) {
		return attachTracing(p)
	})
	if errors.Is(err, unix.EPERM) {
		l.fentryRefused = err
	}
	return all, err
}

// attachKprobe attaches a hook with a kprobe and a kretprobe to the symbol, all
// or none.
func (l *loader) attachKprobe(h *hook, symbol string) ([]attachment, error) {
	if _, err := os.Stat("/sys/bus/event_source/devices/kprobe"); err != nil {
		return nil, errors.New("the kernel has no kprobes (CONFIG_KPROBE_EVENTS)")
	}
	return l.attachAll(h.kprobePrograms(), func(name string, p *ebpf.Program) (link.Link, error) {
		if l.spec.Programs[name].SectionName == "kretprobe/"+h.name {
			return link.Kretprobe(symbol, p, nil)
		}
		return link.Kprobe(symbol, p, nil)
	})
}

// attachAll loads and attaches the programs in the reverse of their order: the
// return first, so that no entry is left waiting for one. Where one fails, none
// stays loaded.
func (l *loader) attachAll(names []string, to func(string, *ebpf.Program) (link.Link, error)) ([]attachment, error) {
	var all []attachment
	for _, name := range slices.Backward(names) {
		a, err := l.attach(name, func(p *ebpf.Program) (link.Link, error) { return to(name, p) })
		if err != nil {
			return nil, errors.Join(err, closeAll(all))
		}
		all = append(all, a)
	}
	return all, nil
}
