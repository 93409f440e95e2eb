// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"net/netip"

	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/synwatch/synwatch/pkg/enrich"
	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/synwatch/synwatch/pkg/proc"
	"github.com/synwatch/synwatch/pkg/state"
	"github.com/synwatch/synwatch/pkg/stream"
)

// subject is what a filter is asked about: a record, or as much as is left of several in
// a total.
type subject struct {
	cause     *cause.Cause
	stage     string
	direction event.Direction
	proto     event.Proto
	src, dst  netip.AddrPort
	netns     netns.ID
	netnsName string
	answer    enrich.Answer

	// What the total does not tell, so that a word about it neither fits nor does not.
	noSource, noStage, noAddress, noPlace bool
}

func ofRecord(r *stream.Record) *subject {
	return &subject{
		cause: r.Cause, stage: r.Stage, direction: r.Direction, proto: r.Proto, src: r.Src, dst: r.Dst,
		netns: r.Netns, netnsName: r.NetnsName, answer: r.Answer,
	}
}

func ofPlace(p *state.Place) *subject {
	return &subject{
		cause: p.Cause, direction: p.Direction, proto: p.Proto, dst: netip.AddrPortFrom(p.Dst, p.Port),
		netns: p.Netns, netnsName: p.NetnsName, answer: p.Answer,
		noSource: true, noStage: true, noAddress: !p.Dst.IsValid(),
	}
}

func ofSource(c *cause.Cause, src netip.Addr) *subject {
	return &subject{cause: c, src: netip.AddrPortFrom(src, 0), noStage: true, noAddress: true, noPlace: true}
}

func ofStage(c *cause.Cause, stage string) *subject {
	return &subject{cause: c, stage: stage, noSource: true, noAddress: true, noPlace: true}
}

// ofCause tells nothing but the cause.
func ofCause(c *cause.Cause) *subject {
	return &subject{cause: c, noSource: true, noStage: true, noAddress: true, noPlace: true}
}

// processes are those that listen at the destination or sent the packet.
func (s *subject) processes() []proc.Process {
	var all []proc.Process
	if s.answer.Listener != nil {
		all = append(all, s.answer.Listener.Process)
	}
	if s.answer.Sender != nil {
		all = append(all, *s.answer.Sender)
	}
	return all
}

// shown is the texts in which a word without a key is looked for.
func (s *subject) shown() []string {
	all := []string{s.stage, string(s.direction), s.netnsName, s.answer.Interface, s.answer.OutInterface}
	if s.cause != nil {
		all = append(all, s.cause.ID)
	}
	for _, at := range []netip.AddrPort{s.src, s.dst} {
		if at.Addr().IsValid() {
			all = append(all, at.String())
		}
	}
	if s.proto != 0 {
		all = append(all, s.proto.String())
	}
	if t := s.answer.Target; t != nil {
		all = append(all, t.Name, t.Container)
	}
	for _, p := range s.processes() {
		all = append(all, p.Comm, p.Unit, p.Container)
	}
	return all
}
