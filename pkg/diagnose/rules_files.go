// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

var fileRules = []Rule{
	{
		ID: "file-not-in-force", Scope: Machine,
		When:  "a sysctl file sets one of net's limits and the kernel has another value",
		Means: "nothing now; after the next boot, or the next sysctl --system, the machine may behave in another way",
		Find:  notInForce,
	},
}

// notInForce lists all such sysctls in one finding. Patterns are left out:
// interfaces that came later have what they were made with.
func notInForce(f *Facts) *Finding {
	x := &Finding{Severity: Note, Title: "sysctl files say other values than are in force"}
	for _, key := range slices.Sorted(maps.Keys(f.Space.Sysctls)) {
		a, ok := f.System.Files.Setting(key)
		if !ok || a.Key != key || !f.hasFiles() || a.Value == f.Space.Sysctls[key] || !strings.HasPrefix(key, "net.") || key == twRecycle {
			continue
		}
		where := place(a) + " says " + a.Value
		if a.ByHand {
			where += ", a file that is not read at boot"
		}
		x.Evidence = append(x.Evidence, Evidence{What: key, Value: f.Space.Sysctls[key], Where: where})
		x.Changes = []Change{do("read the files again: sysctl --system", fmt.Sprintf("it sets all of them as the files say, %s among them", key)).
			ask("are the files right, and not what is in force?")}
	}
	if x.Evidence == nil {
		return nil
	}
	return x
}
