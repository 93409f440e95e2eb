// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"errors"
	"slices"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"github.com/synwatch/synwatch/pkg/event"
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
	return attachProgram(name, l.program, to)
}

func attachProgram(name string, load func(string) (*ebpf.Program, error), to func(*ebpf.Program) (link.Link, error)) (attachment, error) {
	prog, err := load(name)
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
	all, err := attachAll(h.fentryPrograms(), l.program, func(_ string, p *ebpf.Program) (link.Link, error) {
		return attachTracing(p)
	})
	if errors.Is(err, unix.EPERM) {
		l.refused[event.ModeFentry] = err
	}
	return all, err
}

// attachMulti attaches a hook's kprobe and kretprobe programs to the symbol by
// links of kprobe.multi, all or none.
func (l *loader) attachMulti(h *hook, symbol string) ([]attachment, error) {
	return attachAll(h.kprobePrograms(), l.multiProgram, func(name string, p *ebpf.Program) (link.Link, error) {
		to := link.KprobeMulti
		if l.isReturn(name) {
			to = link.KretprobeMulti
		}
		return to(p, l.multiTarget(symbol))
	})
}

// multiTarget names the symbol by its address where that is not hidden. To find it by its
// name the kernel looks through all symbols, which takes a second on an emulated
// machine, and before 6.2 it does not find those of modules (commit 3640bf8584f4).
func (l *loader) multiTarget(symbol string) link.KprobeMultiOptions {
	if address := l.kernel.symbols.functions[symbol]; address != 0 {
		return link.KprobeMultiOptions{Addresses: []uintptr{uintptr(address)}}
	}
	return link.KprobeMultiOptions{Symbols: []string{symbol}}
}

// attachKprobe attaches a hook with a kprobe and a kretprobe to the symbol, all
// or none.
func (l *loader) attachKprobe(h *hook, symbol string) ([]attachment, error) {
	return attachAll(h.kprobePrograms(), l.program, func(name string, p *ebpf.Program) (link.Link, error) {
		if l.isReturn(name) {
			return link.Kretprobe(symbol, p, nil)
		}
		return link.Kprobe(symbol, p, nil)
	})
}

// isReturn says whether a kprobe's program is for the return of a function.
func (l *loader) isReturn(name string) bool {
	return strings.HasPrefix(l.spec.Programs[name].SectionName, "kretprobe/")
}

// attachAll loads and attaches the programs in the reverse of their order: the
// return first, so that no entry is left waiting for one. Where one fails, none
// stays loaded.
func attachAll(names []string, load func(string) (*ebpf.Program, error), to func(string, *ebpf.Program) (link.Link, error)) ([]attachment, error) {
	var all []attachment
	for _, name := range slices.Backward(names) {
		a, err := attachProgram(name, load, func(p *ebpf.Program) (link.Link, error) { return to(name, p) })
		if err != nil {
			return nil, errors.Join(err, closeAll(all))
		}
		all = append(all, a)
	}
	return all, nil
}
