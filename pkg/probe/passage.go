// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"errors"
	"fmt"
	"slices"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/link"
	"github.com/synwatch/synwatch/pkg/event"
)

// The programs that show what a listener does to a SYN by the tracepoints that it
// passes (bpf/syn_passage.h), in the order in which they are attached: what the second
// one remembers is for the first one.
const (
	passageOut = "tp_btf_consume_skb"
	passageIn  = "tp_btf_netif_receive_skb"
)

// passageFacts are what the tracepoints show.
const passageFacts = event.SYNJudged | event.ListenOverflow | event.ListenDrop | event.Reserved

// byPassage is how a hook is seen that these programs stand for.
const byPassage = "by netif_receive_skb and consume_skb"

// attachPassage attaches the two programs where none of the functions that judge a SYN
// can be hooked: with one that is, its SYNs would be counted twice.
func (t *Tracer) attachPassage() {
	var judges []*probe
	for _, p := range t.hooks {
		if !p.passed {
			continue
		}
		if p.status == event.Attached && p.entry {
			return
		}
		if p.status != event.Attached && t.kernel.function(p.hook) != "" {
			judges = append(judges, p)
		}
	}
	if len(judges) == 0 {
		return
	}
	programs, err := t.passage()
	for i, p := range judges {
		if err != nil {
			p.why += "; " + byPassage + ": " + shortly(err)
			continue
		}
		p.mode, p.status, p.why = event.ModeTracepoint, event.Attached, byPassage
		if i == 0 {
			p.programs = programs
		}
	}
}

// passes says whether the two programs are attached.
func (t *Tracer) passes() bool {
	return slices.ContainsFunc(t.hooks, func(p *probe) bool {
		return p.passed && p.mode == event.ModeTracepoint
	})
}

func (t *Tracer) passage() ([]attachment, error) {
	if err := t.passageRefused(); err != nil {
		return nil, err
	}
	out, err := t.loader.attach(passageOut, func(p *ebpf.Program) (link.Link, error) {
		if err := t.locateFrees(p); err != nil {
			return nil, err
		}
		return attachTracing(p)
	})
	if err != nil {
		return nil, err
	}
	in, err := t.loader.attach(passageIn, attachTracing)
	if err != nil {
		return nil, errors.Join(err, out.close())
	}
	if err := t.loader.variables["passing"].Set(true); err != nil {
		return nil, errors.Join(err, in.close(), out.close())
	}
	return []attachment{in, out}, nil
}

// passageRefused says what the programs lack to be exact.
func (t *Tracer) passageRefused() error {
	switch {
	case !t.kernel.hasCounters():
		return errNoCounters
	case t.kernel.symbols.stateProcess.end == 0:
		return errors.New("/proc/kallsyms does not tell where tcp_rcv_state_process is (CAP_SYSLOG, kernel.kptr_restrict)")
	case t.free.why != "":
		return errors.New("it takes the kernel's own BTF")
	case t.free.second == nil && t.kernel.hasMember("bpf_prog_stats", "misses"):
		return errors.New("the kernel does not say which frees a program missed")
	}
	return nil
}

// locateFrees makes it known when a program misses a free, on kernels on which it may.
func (t *Tracer) locateFrees(consume *ebpf.Program) error {
	if t.free.second == nil {
		return nil
	}
	if err := locateStats(t.loader, consume, "consume_id"); err != nil {
		return fmt.Errorf("find the statistics of a program: %w", err)
	}
	return nil
}

// tracepointArguments returns how many arguments a tracepoint gives its programs, 0 if
// that is not known. The kernel has them with one more in front, which is its own.
func (k *kernel) tracepointArguments(name string) uint32 {
	var t *btf.Typedef
	if err := k.spec.TypeByName("btf_trace_"+name, &t); err != nil {
		return 0
	}
	p, _ := t.Type.(*btf.Pointer)
	if p == nil {
		return 0
	}
	proto, _ := p.Target.(*btf.FuncProto)
	if proto == nil {
		return 0
	}
	return uint32(len(proto.Params) - 1)
}
