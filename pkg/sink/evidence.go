// SPDX-License-Identifier: Apache-2.0

package sink

import (
	"net/netip"
	"time"

	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/stream"
)

// evidenceObject is the evidence as programs see it: flat, with the parts that
// are known.
type evidenceObject struct {
	*listenerState
	*conntrackState
	*timestampState
	*receiverState
	*netfilterState
	*pathState
	*natState
	Interface    string `json:"interface,omitempty"`
	OutInterface string `json:"out_interface,omitempty"`
	// Location is the kernel function that freed the packet.
	Location string `json:"location,omitempty"`
}

type listenerState struct {
	AcceptQueue    uint32 `json:"accept_queue"`
	AcceptQueueMax uint32 `json:"accept_queue_max"`
	SynQueue       uint32 `json:"syn_queue"`
	MaxSynBacklog  uint32 `json:"max_syn_backlog"`
	Somaxconn      uint32 `json:"somaxconn"`
	// Backlog is the application's, where it is known.
	Backlog   *uint32 `json:"backlog,omitempty"`
	LimitFrom string  `json:"limit_from,omitempty"`
	// Reset says that the client was answered with a RST.
	Reset bool `json:"reset,omitempty"`
}

type conntrackState struct {
	Count   uint32 `json:"conntrack_count"`
	Max     uint32 `json:"conntrack_max"`
	Buckets uint32 `json:"conntrack_buckets"`
}

type timestampState struct {
	TSval  uint32 `json:"tsval"`
	Newest uint32 `json:"ts_newest"`
	Age    int64  `json:"ts_age_s"`
}

type receiverState struct {
	Memory  uint32 `json:"rmem"`
	Limit   uint32 `json:"rcvbuf"`
	Backlog uint32 `json:"backlog_len"`
	Window  uint32 `json:"window"`
}

type netfilterState struct {
	Family string `json:"nf_family,omitempty"`
	Hook   string `json:"nf_hook,omitempty"`
	Table  string `json:"nf_table,omitempty"`
	Chain  string `json:"nf_chain,omitempty"`
}

type pathState struct {
	MTU  uint32 `json:"mtu"`
	Size uint32 `json:"size"`
}

// natState is what source NAT chose, and the range that it had to choose from where
// that is known.
type natState struct {
	Addr  netip.Addr `json:"snat_addr"`
	Port  uint16     `json:"snat_port,omitempty"`
	Range string     `json:"snat_range,omitempty"`
}

func evidenceValue(r *stream.Record) any {
	o := evidenceObject{Interface: r.Interface, OutInterface: r.OutInterface, conntrackState: (*conntrackState)(r.Conntrack)}
	if r.Cause.Evidence.Has(cause.KernelReason) {
		o.Location = r.Location
	}
	if e := r.Evidence; e != nil {
		o.listenerState = newListenerState(e.Listener, r.Facts)
		o.receiverState = (*receiverState)(e.Receiver)
		if r.Cause.Evidence.Has(cause.Chain) {
			o.netfilterState = (*netfilterState)(e.Netfilter)
		}
		if ts := e.Timestamps; ts != nil {
			o.timestampState = &timestampState{ts.TSval, ts.Newest, int64(ts.Age / time.Second)}
		}
		if r.Cause.Evidence.Has(cause.MTU) {
			o.pathState = (*pathState)(e.Path)
		}
		if nat := e.SourceNAT; nat != nil {
			o.natState = &natState{nat.Chosen.Addr(), nat.Chosen.Port(), rangeWord(nat)}
		}
	}
	return unlessZero(o)
}

func newListenerState(l *event.Listener, facts event.Facts) *listenerState {
	if l == nil {
		return nil
	}
	s := &listenerState{
		AcceptQueue: l.AcceptQueue, AcceptQueueMax: l.AcceptQueueMax, SynQueue: l.SynQueue,
		MaxSynBacklog: l.MaxSynBacklog, Somaxconn: l.Somaxconn, LimitFrom: limitFrom(l),
		Reset: facts.Has(event.ResetSent),
	}
	if s.LimitFrom == fromBacklog {
		s.Backlog = &l.AcceptQueueMax
	}
	return s
}

// The limits that listen(2) takes the smaller of.
const (
	fromBacklog   = "listen-backlog"
	fromSomaxconn = "somaxconn"
)

// limitFrom says which limit is in force. When they are equal the backlog may
// be just as large, or larger. If somaxconn was raised since the socket listens, the
// limit looks like the backlog.
func limitFrom(l *event.Listener) string {
	switch {
	case l.AcceptQueueMax < l.Somaxconn:
		return fromBacklog
	case l.AcceptQueueMax == l.Somaxconn:
		return fromSomaxconn
	}
	return ""
}
