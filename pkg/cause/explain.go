// SPDX-License-Identifier: Apache-2.0

package cause

import "slices"

// Explanation is all that the catalogue has to say about one cause.
type Explanation struct {
	Cause   string   `json:"cause"`
	Kind    string   `json:"kind"`
	Meaning string   `json:"meaning"`
	Client  string   `json:"client"`
	Path    string   `json:"path"`
	Stages  []string `json:"stages"`
	// Counters are named as nstat does, conntrack's as conntrack -S does with the
	// prefix Conntrack.
	Counters []string `json:"counters"`
	// Reasons are the drop reasons by which some kernels name the cause.
	Reasons []string `json:"reasons"`
	Kernels string   `json:"kernels"`
	Fix     string   `json:"fix"`
}

// String is "drop", "notice" or "benign".
func (k Kind) String() string {
	return [...]string{Drop: "drop", Notice: "notice", Benign: "benign"}[k]
}

// Explain explains a cause.
func Explain(c *Cause) Explanation {
	x := Explanation{
		Cause: c.ID, Kind: c.Kind.String(), Meaning: c.Meaning, Client: c.Client, Path: c.Path,
		Stages: []string{}, Counters: append([]string{}, CountersOf(c)...), Reasons: []string{},
		Kernels: c.Kernels, Fix: c.Fix,
	}
	byHook := false
	for i := range rules {
		r := &rules[i]
		if r.Cause != c {
			continue
		}
		x.Stages = appendNew(x.Stages, r.Stage)
		x.Reasons = appendNew(x.Reasons, r.Reasons...)
		byHook = byHook || r.Reasons == nil
	}
	if x.Kernels == "" {
		x.Kernels = kernels(byHook, len(x.Reasons) > 0, len(x.Counters) > 0)
	}
	return x
}

// appendNew appends what is neither empty nor there already.
func appendNew(list []string, more ...string) []string {
	for _, s := range more {
		if s != "" && !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	return list
}

// kernels says which kernels show a cause, derived from its rules.
func kernels(byHook, byReason, counted bool) string {
	switch {
	case byHook && byReason:
		return "every kernel: by the drop reason where the kernel has it, elsewhere by hooks (fentry or kprobes)"
	case byReason:
		return "kernels that have the drop reason"
	case counted:
		return "every kernel, by hooks (fentry or kprobes); no drop reason names it, and without hooks only the counter's total is known"
	}
	return "every kernel, by hooks (fentry or kprobes); no drop reason names it"
}
