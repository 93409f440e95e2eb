// SPDX-License-Identifier: Apache-2.0

package diagnose

import "slices"

// Setting is a sysctl as a file of sysctl.d sets it.
type Setting struct {
	Sysctl string `json:"sysctl"`
	Value  string `json:"value"`
	// ID is of the finding that it comes from, Why what that says.
	ID  string `json:"id"`
	Why string `json:"why"`
}

// Settings are the sysctls that the findings would have for good: those of
// warnings and worse, and of the machine's own network namespace, as the files
// are for no other. One that such a file cannot name, or that rests on an
// assumption, is left out. A sysctl has one value in all findings of a run
// (settle).
func Settings(findings []Finding) []Setting {
	settings := []Setting{}
	for _, x := range findings {
		if x.Severity < Warning || x.otherNetns {
			continue
		}
		for _, c := range x.Changes {
			if c.Sysctl != "" && c.Basis != Assumed && settable(c.Sysctl, c.Value) {
				settings = addSetting(settings, Setting{c.Sysctl, c.Value, x.ID, c.Why})
			}
		}
	}
	return settings
}

func addSetting(settings []Setting, s Setting) []Setting {
	if slices.ContainsFunc(settings, func(o Setting) bool { return o.Sysctl == s.Sysctl }) {
		return settings
	}
	return append(settings, s)
}
