// SPDX-License-Identifier: Apache-2.0

package stream

import (
	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/proc"
)

// Shown is the record without what is not shown of its cause, and so is in no capture: parts
// of the evidence that say nothing of it, and numbers of interfaces, which have names.
func (r *Record) Shown() Record {
	shown := *r
	shown.Sender = r.SentBy()
	if r.Reason != "" && !r.Cause.Evidence.Has(cause.KernelReason) {
		shown.Location = ""
	}
	if r.Evidence != nil {
		shown.Evidence = shownEvidence(r.Cause.Evidence, *r.Evidence)
	}
	return shown
}

func shownEvidence(of cause.Evidence, e event.Evidence) *event.Evidence {
	e.Process, e.Ifindex, e.OutIfindex = nil, 0, 0
	if !of.Has(cause.Chain) {
		e.Netfilter = nil
	}
	if !of.Has(cause.MTU) {
		e.Path = nil
	}
	if e == (event.Evidence{}) {
		return nil
	}
	return &e
}

// SentBy is the process that sent the packet, nil for unknown.
func (r *Record) SentBy() *proc.Process {
	if r.Sender != nil {
		return r.Sender
	}
	if r.Evidence == nil || r.Evidence.Process == nil {
		return nil
	}
	return &proc.Process{PID: int(r.Evidence.Process.PID), Comm: r.Evidence.Process.Comm}
}
