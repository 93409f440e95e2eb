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
	attachment
	// second is nil where the kernel does not accept it, or does not need it.
	second *secondProgram
	// why says why it is not the faster kind of program.
	why string
}

// attachTracepoint attaches by BTF where the kernel has its own, else raw: both
// take the same program, but the raw one is slower.
func attachTracepoint(l *loader) (*tracepoint, error) {
	refused := errNoBTF
	if l.kernel.own {
		var a attachment
		if a, refused = l.attach("tp_btf_kfree_skb", attachTracing); refused == nil {
			t := &tracepoint{attachment: a}
			t.second, _ = newSecondProgram(l, a.prog) // without it, what the first one misses counts as lost
			return t, nil
		}
	}
	a, err := l.attach("raw_tp_kfree_skb", func(p *ebpf.Program) (link.Link, error) {
		return link.AttachRawTracepoint(link.RawTracepointOptions{Name: "kfree_skb", Program: p})
	})
	if err != nil {
		return nil, err
	}
	return &tracepoint{attachment: a, why: "raw, as tp_btf: " + shortly(refused)}, nil
}

func (t *tracepoint) state() event.HookState {
	return event.HookState{
		Name: string(event.HookFree), Mode: event.ModeTracepoint, Status: event.Attached, Why: t.why,
	}
}

func (t *tracepoint) close() error {
	err := t.attachment.close()
	if t.second != nil {
		err = errors.Join(err, t.second.close())
	}
	return err
}
