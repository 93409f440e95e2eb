// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"os"
	"path/filepath"
	"testing"
)

func TestModulesCarryBTF(t *testing.T) {
	for name, c := range map[string]struct {
		files []string
		want  bool
	}{
		"no module yet":                   {nil, true},
		"nothing but what is built in":    {[]string{"module/tcp_cubic/parameters"}, true},
		"modules with BTF":                {[]string{"module/veth/initstate", "kernel/btf/veth"}, true},
		"stripped modules":                {[]string{"module/veth/initstate"}, false},
		"nf_tables with BTF":              {[]string{"module/nf_tables/initstate", "kernel/btf/nf_tables"}, true},
		"nf_tables stripped, others not":  {[]string{"module/nf_tables/initstate", "module/veth/initstate", "kernel/btf/veth"}, false},
		"stripped, and nf_tables is none": {[]string{"module/veth/initstate", "module/nf_tables/parameters"}, false},
	} {
		sys := t.TempDir()
		for _, file := range append(c.files, "kernel/btf/vmlinux") {
			path := filepath.Join(sys, file)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, nil, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got := modulesCarryBTF(sys); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
