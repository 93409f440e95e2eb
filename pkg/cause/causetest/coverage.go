// SPDX-License-Identifier: Apache-2.0

package causetest

import (
	"maps"
	"slices"
	"strings"

	"github.com/synwatch/synwatch/pkg/event"
)

// Coverage is what a kernel lets the probe observe, in the kernel's own names.
type Coverage struct {
	HasReasons bool `json:"has_reasons"`
	// Hooks are the hooks' states by name.
	Hooks      map[string]event.Status `json:"hooks"`
	Observable []string                `json:"observable"`
	Reasons    []string                `json:"reasons"`
}

// CoverageOf describes a coverage.
func CoverageOf(cov *event.Coverage) *Coverage {
	c := &Coverage{
		HasReasons: cov.HasReasons, Hooks: map[string]event.Status{},
		Observable: factNames(cov.Observable),
	}
	for _, h := range cov.Hooks {
		c.Hooks[h.Name] = h.Status
	}
	for reason, known := range cov.Reasons {
		if known {
			c.Reasons = append(c.Reasons, reason)
		}
	}
	slices.Sort(c.Reasons)
	return c
}

// Decode is the reverse of CoverageOf.
func (c *Coverage) Decode() (event.Coverage, error) {
	facts, err := parseFacts(strings.Join(c.Observable, "|"))
	cov := event.Coverage{HasReasons: c.HasReasons, Observable: facts, Reasons: map[string]bool{}}
	for _, name := range slices.Sorted(maps.Keys(c.Hooks)) {
		cov.Hooks = append(cov.Hooks, event.HookState{Name: name, Status: c.Hooks[name]})
	}
	for _, reason := range c.Reasons {
		cov.Reasons[reason] = true
	}
	return cov, err
}
