// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"cmp"
	"slices"
)

// Scope is what a rule looks at in one go.
type Scope uint8

const (
	// Namespace rules look at each network namespace.
	Namespace Scope = iota
	// Machine rules look at what all namespaces share.
	Machine
	// Listener rules look at each listening socket.
	Listener
	// Log rules look at what the kernel's log says of one thing, unless another
	// finding is about it.
	Log
	// Trace rules look at what a trace counted of one cause.
	Trace
)

// Rule is one row of the table.
type Rule struct {
	ID    string
	Scope Scope
	// Causes are the IDs of the causes that a Trace rule is about; empty for all
	// of which no rule before it found anything.
	Causes []string
	// When says in words when the rule fires.
	When string
	// Means is what it means for clients; a finding may know better.
	Means string
	// Needs is what a Trace rule looks at beside what was counted.
	Needs Needs
	// Find returns nil when there is nothing to find.
	Find func(*Facts) *Finding
}

// rules is every rule, by what it is about.
var rules []Rule

func init() { // as rules look at the table
	rules = slices.Concat(listenRules, cookieRules, recycleRules, timeWaitRules, memoryRules, conntrackRules, receiveRules, pathRules, forwardRules, fileRules, logRules, traceRules,
		invalidRules, authRules, interfaceRules, handshakeRules, traceStrayRules, traceForwardRules, tracePolicyRules, traceRangeRules)
}

// Rules lists the rules.
func Rules() []Rule { return slices.Clone(rules) }

// Check finds what is wrong in the namespaces of one machine, the worst first.
func Check(all []Facts) []Finding {
	found := []Finding{}
	for i := range all {
		f := &all[i]
		found = append(found, f.find(Namespace)...)
		if i == 0 {
			found = append(found, f.find(Machine)...)
		}
		for j := range f.Space.Listeners {
			one := *f
			one.Listener = &f.Space.Listeners[j]
			found = append(found, one.find(Listener)...)
		}
	}
	found = append(found, logged(all, found)...)
	settle(found)
	forGood(found)
	return worstFirst(found)
}

func worstFirst(found []Finding) []Finding {
	slices.SortStableFunc(found, func(a, b Finding) int { return cmp.Compare(b.Severity, a.Severity) })
	return found
}

// find applies the rules of a scope.
func (f *Facts) find(scope Scope) []Finding {
	var found []Finding
	for i := range rules {
		if rules[i].Scope == scope && (scope != Trace || rules[i].about(f.Tally.Cause.ID, len(found))) {
			if x := rules[i].apply(f); x != nil {
				found = append(found, *x)
			}
		}
	}
	return found
}

// about says whether a rule of a trace is about a cause of which so much was found.
func (r *Rule) about(id string, found int) bool {
	if r.Causes == nil {
		return found == 0
	}
	return slices.Contains(r.Causes, id)
}

func (r *Rule) apply(f *Facts) *Finding {
	x := r.Find(f)
	if x == nil {
		return nil
	}
	x.ID = r.ID
	x.Means = cmp.Or(x.Means, r.Means)
	f.judgeLimits(x)
	x.otherNetns = f.inner() && !f.hasFiles() || f.System.Container
	if r.Scope != Machine && r.Scope != Log {
		x.Netns, x.NetnsName, x.otherNetns = f.Space.Netns.Inode, f.Space.Name, !f.hasFiles()
	}
	if x.Evidence == nil {
		x.Evidence = []Evidence{}
	}
	if x.Changes == nil {
		x.Changes = []Change{}
	}
	for i := range x.Changes {
		c := &x.Changes[i]
		if c.Sysctl != "" && c.Command.IsZero() {
			c.Command = f.setNow(c)
		}
	}
	x.in = f
	return x
}
