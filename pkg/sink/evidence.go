// SPDX-License-Identifier: Apache-2.0

package sink

import (
	"fmt"
	"strings"

	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/watch"
)

// listenerState is the evidence's part that tells of the listener.
type listenerState struct {
	AcceptQueue    uint32 `json:"accept_queue"`
	AcceptQueueMax uint32 `json:"accept_queue_max"`
	SynQueue       uint32 `json:"syn_queue"`
	MaxSynBacklog  uint32 `json:"max_syn_backlog"`
	Somaxconn      uint32 `json:"somaxconn"`
	// Reset tells that the client was answered with a RST.
	Reset bool `json:"reset,omitempty"`
}

// evidenceObject is the evidence as programs see it.
type evidenceObject struct {
	*listenerState
	// Location is the kernel function that freed the packet.
	Location string `json:"location,omitempty"`
}

func evidence(r *watch.Record) any {
	var o evidenceObject
	if r.Evidence != nil && r.Evidence.Listener != nil {
		e := r.Evidence.Listener
		o.listenerState = &listenerState{
			e.AcceptQueue, e.AcceptQueueMax, e.SynQueue, e.MaxSynBacklog, e.Somaxconn,
			r.Facts.Has(event.ResetSent),
		}
	}
	if r.Cause.Evidence == cause.KernelReason {
		o.Location = r.Location
	}
	return omitEmpty(o)
}

// words puts each kind of evidence into words. All but KernelReason need a
// listener's state.
var words = map[cause.Evidence]func(*event.Listener) string{
	cause.AcceptQueue: func(e *event.Listener) string {
		return fmt.Sprintf("%d waiting, limit %d (%s)", e.AcceptQueue, e.AcceptQueueMax, binding(e))
	},
	cause.SynQueue: func(e *event.Listener) string {
		return fmt.Sprintf("%d half-open, limit %d (%s)", e.SynQueue, e.AcceptQueueMax, binding(e))
	},
	cause.SynBacklog: func(e *event.Listener) string {
		return fmt.Sprintf("%d half-open, tcp_max_syn_backlog is %d", e.SynQueue, e.MaxSynBacklog)
	},
}

// binding says which of the two limits that listen(2) takes the smaller of is
// the one in force. Which one it is cannot be told when they are equal, and
// somaxconn may have been changed since.
func binding(e *event.Listener) string {
	switch {
	case e.AcceptQueueMax < e.Somaxconn:
		return fmt.Sprintf("the listen backlog; somaxconn is %d", e.Somaxconn)
	case e.AcceptQueueMax == e.Somaxconn:
		return "somaxconn, or a listen backlog just as large"
	}
	return fmt.Sprintf("from before somaxconn became %d", e.Somaxconn)
}

func evidenceWords(r *watch.Record) string {
	var parts []string
	if say := words[r.Cause.Evidence]; say != nil && r.Evidence != nil && r.Evidence.Listener != nil {
		parts = append(parts, say(r.Evidence.Listener))
		if r.Facts.Has(event.ResetSent) {
			parts = append(parts, "answered with a RST")
		}
	}
	if r.Cause.Evidence == cause.KernelReason {
		parts = append(parts, reasonWords(r))
	}
	return strings.Join(parts, "; ")
}

func reasonWords(r *watch.Record) string {
	switch {
	case r.Reason == "" && r.Location == "":
		return "the kernel gives no reason"
	case r.Reason == "":
		return "in " + r.Location
	case r.Location == "":
		return r.Reason
	}
	return r.Reason + " in " + r.Location
}
