// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"errors"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"github.com/synwatch/synwatch/pkg/event"
)

// tracepoint is kfree_skb, without which nothing works.
type tracepoint struct {
	prog *ebpf.Program
	link link.Link
	// rescue is nil where the kernel does not take it, or has no need of it.
	rescue *rescue
	// why says why it is not the faster kind of program.
	why string
}

// attachTracepoint attaches by BTF where the kernel has its own, else raw: both
// take the same program, but the raw one is slower.
func attachTracepoint(l *loader) (*tracepoint, error) {
	var prog *ebpf.Program
	refused := l.fentryRefused
	if refused == nil {
		var at link.Link
		at, refused = l.attach("tp_btf_kfree_skb", func(p *ebpf.Program) (link.Link, error) {
			prog = p
			return link.AttachTracing(link.TracingOptions{Program: p})
		})
		if refused == nil {
			t := &tracepoint{prog: prog, link: at}
			t.rescue, _ = newRescue(l, prog) // without it, what is missed is lost, and told
			return t, nil
		}
	}
	at, err := l.attach("raw_tp_kfree_skb", func(p *ebpf.Program) (link.Link, error) {
		prog = p
		return link.AttachRawTracepoint(link.RawTracepointOptions{Name: "kfree_skb", Program: p})
	})
	if err != nil {
		return nil, err
	}
	return &tracepoint{prog: prog, link: at, why: "raw, as tp_btf: " + shortly(refused)}, nil
}

func (t *tracepoint) state() event.HookState {
	return event.HookState{
		Name: string(event.HookFree), Mode: event.ModeTracepoint, Status: event.Attached, Why: t.why,
	}
}

func (t *tracepoint) close() error {
	err := t.link.Close()
	if t.rescue != nil {
		err = errors.Join(err, t.rescue.close())
	}
	return err
}
