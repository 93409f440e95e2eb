// SPDX-License-Identifier: Apache-2.0

package cause

import (
	"slices"

	"github.com/synwatch/synwatch/pkg/event"
)

// Rule is one way to recognize a cause. Every condition that is set
// must hold.
type Rule struct {
	Cause *Cause
	Stage string
	// Hook is the hook that counted the event; empty for any.
	Hook event.Hook
	// All must all have been seen, None must not. A run that is blind to a fact
	// in None cannot use the rule: it would guess.
	All, None event.Facts
	// Reasons and Locations are alternatives: one of them must be the event's.
	Reasons, Locations []string
	// Counters are the kernel's counters that each such event moves by one,
	// named as nstat names them, conntrack's as conntrack -S does with the
	// prefix Conntrack.
	Counters []string
	// Counters6 are those that an event of IPv6 moves where they are others.
	Counters6 []string
}

// CountersOf lists the counters that the event moves. They are those of its protocol,
// where the rule has some for IPv6.
func (r *Rule) CountersOf(e *event.Event) []string {
	if r.Counters6 != nil && e.Dst.Addr().Is6() {
		return r.Counters6
	}
	return r.Counters
}

// AnyProto says that such an event is worth a record whatever the packet's protocol
// is. Of other causes a trace records TCP unless it is asked for more.
func (r *Rule) AnyProto() bool {
	return r.All&(conntrackRefusal|event.ConntrackInvalid|event.ConntrackEvicted) != 0
}

func (r *Rule) matches(e *event.Event) bool {
	return (r.Hook == "" || r.Hook == e.Hook) &&
		e.Facts.Has(r.All) && e.Facts&r.None == 0 &&
		(r.Reasons == nil || slices.Contains(r.Reasons, e.Reason)) &&
		(r.Locations == nil || slices.Contains(r.Locations, e.Location))
}

// usable says whether a run with this coverage can ever see the rule match
// without guessing.
func (r *Rule) usable(cov *event.Coverage) bool {
	if !sees(cov, r.Hook) {
		return false
	}
	if !cov.Observable.Has(r.All) || !cov.Observable.Has(r.None) {
		return false
	}
	return r.reasonKnown(cov)
}

// reasonKnown says whether the kernel can give a reason that the rule asks for.
func (r *Rule) reasonKnown(cov *event.Coverage) bool {
	return r.Reasons == nil || slices.ContainsFunc(r.Reasons, func(reason string) bool {
		return reason == "" && !cov.HasReasons || cov.Reasons[reason]
	})
}

// sees says whether the hook is in place; that of the tracepoint always is.
func sees(cov *event.Coverage, hook event.Hook) bool {
	switch hook {
	case "", event.HookFree:
		return true
	case event.HookConnRequest:
		return cov.Observable.Has(event.SYNJudged)
	}
	return slices.ContainsFunc(cov.Hooks, func(h event.HookState) bool {
		return h.Name == string(hook) && h.Status == event.Attached
	})
}

// Attributor names the cause of events as far as one run's coverage allows.
type Attributor struct {
	rules []*Rule
	cov   event.Coverage
}

// NewAttributor returns an Attributor for a run that sees cov.
func NewAttributor(cov event.Coverage) *Attributor {
	a := &Attributor{cov: cov}
	for i := range rules {
		if rules[i].usable(&cov) {
			a.rules = append(a.rules, &rules[i])
		}
	}
	return a
}

// Attribute returns the most specific rule that the event satisfies, nil for an
// event that is no drop, such as a SYN that tcp_conn_request accepted.
func (a *Attributor) Attribute(e *event.Event) *Rule {
	for _, r := range a.rules {
		if r.matches(e) {
			return r
		}
	}
	return nil
}

// Stage is one cause, or one of its stages, that a run may see or not.
type Stage struct {
	Cause *Cause
	Stage string
	Seen  bool
}

// Stages lists every cause and stage of the catalogue and whether the run can
// see it.
func (a *Attributor) Stages() []Stage {
	var stages []Stage
	for i := range rules {
		r := &rules[i]
		if r.Cause.Kind == Benign {
			continue
		}
		seen := slices.Contains(a.rules, r)
		at := slices.IndexFunc(stages, func(s Stage) bool {
			return s.Cause == r.Cause && s.Stage == r.Stage
		})
		if at < 0 {
			stages = append(stages, Stage{r.Cause, r.Stage, seen})
			continue
		}
		stages[at].Seen = stages[at].Seen || seen
	}
	return stages
}

// Blind lists the IDs of the causes of which the run cannot see some stage, or
// sees it only as a counter's total.
func (a *Attributor) Blind() []string {
	blind := []string{}
	for _, s := range a.Stages() {
		if !s.Seen && !slices.Contains(blind, s.Cause.ID) {
			blind = append(blind, s.Cause.ID)
		}
	}
	return blind
}

// Counters lists every kernel counter that some rule moves, in the catalogue's
// order.
func Counters() []string {
	var names []string
	for _, r := range rules {
		names = appendNew(names, slices.Concat(r.Counters, r.Counters6)...)
	}
	return names
}

// SYNCounters lists the counters that SYNs move of which tcp_conn_request tells.
func SYNCounters() []string {
	var names []string
	for _, r := range rules {
		if r.Hook == event.HookConnRequest {
			names = appendNew(names, r.Counters...)
		}
	}
	return names
}

// CountersOf lists the counters that the cause moves in any of its stages.
func CountersOf(c *Cause) []string {
	var names []string
	for _, r := range rules {
		if r.Cause == c {
			names = appendNew(names, slices.Concat(r.Counters, r.Counters6)...)
		}
	}
	return names
}
