// SPDX-License-Identifier: Apache-2.0

package event

import "slices"

// Status says whether a hook is in place.
type Status string

// A hook is Attached, Waiting for its kernel module to be loaded, or
// Unavailable on this kernel.
const (
	Attached    Status = "attached"
	Waiting     Status = "waiting"
	Unavailable Status = "unavailable"
)

// Mode is the way a hook is attached, the cheapest and richest that the kernel
// allows.
type Mode string

// The modes in the order in which they are tried.
const (
	ModeFentry      Mode = "fentry"
	ModeKprobeMulti Mode = "kprobe.multi"
	ModeKprobe      Mode = "kprobe"
	ModeTracepoint  Mode = "tracepoint"
)

// HookState is one line of what this kernel lets synwatch see.
type HookState struct {
	Name   string `json:"name"`
	Mode   Mode   `json:"mode,omitempty"`
	Status Status `json:"status"`
	// Why says of an attached hook in which other way it is seen, if that is so.
	Why string `json:"why,omitempty"`
}

// passedHook is one of those that tracepoints may stand for.
const passedHook = "tcp_v4_conn_request"

// Passes says whether dropped SYNs are seen by the tracepoints that they pass: those of
// which it is not certain what moved the kernel's counters are not seen one by one.
func (c *Coverage) Passes() bool {
	return slices.ContainsFunc(c.Hooks, func(h HookState) bool {
		return h.Name == passedHook && h.Mode == ModeTracepoint
	})
}

// Coverage is what a run can see.
type Coverage struct {
	Hooks []HookState
	// Observable is the facts that would be seen if they happened, or that
	// cannot happen as the module behind them is not loaded.
	Observable Facts
	// HasReasons says whether this kernel gives drop reasons.
	HasReasons bool
	// Reasons are the drop reasons that this kernel knows, without prefix.
	Reasons map[string]bool
}
