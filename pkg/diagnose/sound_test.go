// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// atLeast is the largest default that a kernel has for a limit with 16 GiB of memory; that of
// a timeout is meant to be shortened.
var atLeast = map[string]uint64{
	somaxconn: 4096, maxBacklog: 1000, synBacklog: 1024, twBuckets: 65536, maxOrphans: 65536, ctMax: 262144,
	"net.ipv4.neigh.default.gc_thresh1": 128, "net.ipv4.neigh.default.gc_thresh2": 512, "net.ipv4.neigh.default.gc_thresh3": 1024,
	"net.ipv6.neigh.default.gc_thresh1": 128, "net.ipv6.neigh.default.gc_thresh2": 512, "net.ipv6.neigh.default.gc_thresh3": 1024,
}

// named finds what a change may call by its name: a process, a range or an address, an
// interface in a sysctl.
var (
	named         = regexp.MustCompile(`[\w.-]+\[\d+\]|\b\d+\.\d+\.\d+\.\d+(?:/\d+)?|\b[0-9a-f]+:[0-9a-f:]+:[0-9a-f:]*(?:/\d+)?`)
	ofAnInterface = regexp.MustCompile(`^net\.ipv[46]\.(?:conf|neigh)\.(.+)\.[a-z0-9_]+$`)
)

// sound checks what must hold of the findings of any run.
func sound(t *testing.T, name string, f *Facts, found []Finding) {
	t.Helper()
	values := map[sysctlIn]string{}
	for i := range found {
		ofKnownInterface(t, name, f, &found[i])
	}
	each(found, func(in sysctlIn, c *Change) {
		if old, ok := values[in]; ok && old != c.Value {
			t.Errorf("%s: %s is to be %s and %s", name, c.Sysctl, old, c.Value)
		}
		values[in] = c.Value
		lowersNothing(t, name, f, c)
	})
	for i := range found {
		x := &found[i]
		for _, c := range x.Changes {
			if (c.Basis == Assumed) != (c.If != "") || c.Basis == Assumed && !c.Command.IsZero() {
				t.Errorf("%s: %s: a change that is %s asks %q, with the command %s", name, x.ID, c.Basis, c.If, c.Command)
			}
			inEvidence(t, name, x, &c)
		}
	}
	for _, s := range Settings(found) {
		for _, x := range found {
			for _, c := range x.Changes {
				if c.Sysctl == s.Sysctl && c.Basis == Assumed && x.ID == s.ID {
					t.Errorf("%s: %s is assumed and in the drop-in", name, s.Sysctl)
				}
			}
		}
	}
}

// ofKnownInterface says whether the sysctls of interfaces are of such as are known.
func ofKnownInterface(t *testing.T, name string, f *Facts, x *Finding) {
	t.Helper()
	for _, c := range x.Changes {
		m := ofAnInterface.FindStringSubmatch(c.Sysctl)
		if m == nil || m[1] == "default" || m[1] == "all" || f.Space.Sysctls[c.Sysctl] != "" {
			continue
		}
		seen := func(e Evidence) bool { return e.Value == separators.Replace(m[1]) }
		if !slices.ContainsFunc(x.Evidence, seen) {
			t.Errorf("%s: %s is of no interface that is known", name, c.Sysctl)
		}
	}
}

func lowersNothing(t *testing.T, name string, f *Facts, c *Change) {
	t.Helper()
	want, err := strconv.ParseUint(c.Value, 10, 64)
	least, limit := atLeast[c.Sysctl]
	if !limit || err != nil {
		return
	}
	least = min(least, defaultFor(f, c.Sysctl, least))
	if now, known := f.number(c.Sysctl); want < least || known && want <= now {
		t.Errorf("%s: %s is %s and is to be %d; the kernel's default is %d", name, c.Sysctl, f.Space.Sysctls[c.Sysctl], want, least)
	}
}

// defaultFor takes less for a smaller machine.
func defaultFor(f *Facts, key string, usual uint64) uint64 {
	switch {
	case f.System.Memory == 0 && (key == twBuckets || key == maxOrphans || key == synBacklog):
		return 0
	case f.System.Memory >= 16<<30 || key == somaxconn || key == maxBacklog || strings.Contains(key, ".neigh."):
		return usual
	}
	return usual * f.System.Memory / (16 << 30)
}

// inEvidence says whether all that a change calls by its name is in the evidence or the title.
func inEvidence(t *testing.T, name string, x *Finding, c *Change) {
	t.Helper()
	evidence := x.Title
	for _, e := range x.Evidence {
		evidence += " " + e.What + " " + e.Value + " " + e.Where
	}
	for _, object := range named.FindAllString(c.Do+" "+c.Command.String()+" "+c.If, -1) {
		if !strings.Contains(evidence, object) {
			t.Errorf("%s: %s: %s is not in the evidence: %s", name, x.ID, object, evidence)
		}
	}
}

func TestFindingsOfEveryMachineAreSound(t *testing.T) {
	for _, row := range rows {
		f := healthy()
		for _, spoil := range row.wrong {
			spoil(&f)
		}
		sound(t, row.name, &f, Check([]Facts{f}))
	}
	dirs, err := filepath.Glob("../../cmd/synwatch/testdata/*/proc")
	if err != nil || len(dirs) == 0 {
		t.Fatalf("no saved trees: %v", err)
	}
	for i := range dirs {
		dirs[i] = filepath.Dir(dirs[i])
	}
	for _, m := range healthyMachines {
		dirs = append(dirs, m.tree(t))
	}
	for _, m := range reported {
		dirs = append(dirs, m.tree(t))
	}
	for _, dir := range dirs {
		f, found := diagnosed(t, dir)
		sound(t, fmt.Sprintf("%s %s", dir, f.System.Kernel), &f, found)
	}
}
