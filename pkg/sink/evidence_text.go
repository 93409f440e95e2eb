// SPDX-License-Identifier: Apache-2.0

package sink

import (
	"fmt"
	"time"

	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/stream"
	"github.com/synwatch/synwatch/pkg/text"
)

// words puts each kind of evidence into words. Those of a part that is not
// known are empty.
var words = []struct {
	kind cause.Evidence
	say  func(*stream.Record) string
}{
	{cause.AcceptQueue, ofListener(func(l *event.Listener) string {
		return fmt.Sprintf("%d waiting, limit %d (%s)", l.AcceptQueue, l.AcceptQueueMax, binding(l))
	})},
	{cause.SynQueue, ofListener(func(l *event.Listener) string {
		return fmt.Sprintf("%d half-open, limit %d (%s)", l.SynQueue, l.AcceptQueueMax, binding(l))
	})},
	{cause.SynBacklog, ofListener(func(l *event.Listener) string {
		return fmt.Sprintf("%d half-open, tcp_max_syn_backlog is %d", l.SynQueue, l.MaxSynBacklog)
	})},
	{cause.AcceptQueue, ofListenerAnd(event.ResetSent, "answered with a RST")},
	{cause.Table, tableWords},
	{cause.Timestamps, timestampWords},
	{cause.ReceiveBuffer, ofReceiver(func(r *event.Receiver) string {
		return fmt.Sprintf("%d bytes in the receive buffer, limit %d", r.Memory, r.Limit)
	})},
	{cause.SocketBacklog, ofReceiver(func(r *event.Receiver) string {
		return fmt.Sprintf("%d bytes in the backlog, %d in the receive buffer, limit of that %d", r.Backlog, r.Memory, r.Limit)
	})},
	{cause.Window, ofReceiver(func(r *event.Receiver) string {
		return fmt.Sprintf("window of %d bytes, %d in the receive buffer, limit %d", r.Window, r.Memory, r.Limit)
	})},
	{cause.Chain, chainWords},
	{cause.MTU, pathWords},
	{cause.NoEvidence, natWords},
	{cause.NoEvidence, originalWords},
	{cause.NoEvidence, targetWords},
	{cause.Interface, interfaceWords},
	{cause.KernelReason, reasonWords},
}

func evidenceWords(r *stream.Record) string {
	var parts []string
	for _, w := range words {
		if r.Cause.Evidence.Has(w.kind) {
			parts = append(parts, w.say(r))
		}
	}
	return text.Join("; ", parts...)
}

func ofListener(say func(*event.Listener) string) func(*stream.Record) string {
	return func(r *stream.Record) string {
		if r.Evidence == nil || r.Evidence.Listener == nil {
			return ""
		}
		return say(r.Evidence.Listener)
	}
}

func ofListenerAnd(fact event.Facts, word string) func(*stream.Record) string {
	return func(r *stream.Record) string {
		if r.Evidence == nil || r.Evidence.Listener == nil || !r.Facts.Has(fact) {
			return ""
		}
		return word
	}
}

func ofReceiver(say func(*event.Receiver) string) func(*stream.Record) string {
	return func(r *stream.Record) string {
		if r.Evidence == nil || r.Evidence.Receiver == nil {
			return ""
		}
		return say(r.Evidence.Receiver)
	}
}

// binding says which limit is in force, and what to raise.
func binding(l *event.Listener) string {
	switch l.AcceptLimit() {
	case event.ListenBacklog:
		return fmt.Sprintf("the listen backlog; somaxconn is %d", l.Somaxconn)
	case event.Somaxconn:
		return "somaxconn: raise it, and a listen backlog just as large"
	}
	return fmt.Sprintf("from before somaxconn became %d", l.Somaxconn)
}

func tableWords(r *stream.Record) string {
	c := r.Conntrack
	if c == nil {
		return ""
	}
	return fmt.Sprintf("%d entries, limit %d (nf_conntrack_max), in %d buckets", c.Count, c.Max, c.Buckets)
}

func timestampWords(r *stream.Record) string {
	if r.Evidence == nil || r.Evidence.Timestamps == nil {
		return ""
	}
	ts := r.Evidence.Timestamps
	return fmt.Sprintf("TSval %d, seen %d %d s ago", ts.TSval, ts.Newest, ts.Age/time.Second)
}

func chainWords(r *stream.Record) string {
	if r.Evidence == nil || r.Evidence.Netfilter == nil {
		return ""
	}
	n := r.Evidence.Netfilter
	if n.Chain == "" {
		return text.Join(", ", text.Prefixed("family ", n.Family), text.Prefixed("hook ", n.Hook))
	}
	return text.Join(", ", "chain "+text.Join(" ", n.Family, n.Table, n.Chain), text.Prefixed("hook ", n.Hook))
}

func reasonWords(r *stream.Record) string {
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
