// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"maps"
	"os"
	"path/filepath"
	"testing"
)

func kernelWith(reasons ...string) *kernel {
	k := &kernel{namesSocket: true, reasonNames: map[string]bool{}}
	for _, name := range reasons {
		k.reasonNames[name] = true
	}
	return k
}

// A kernel that lacks one of what tells a segment's fate at its free needs the hooks.
func TestToldSegments(t *testing.T) {
	k := kernelWith("TCP_OLD_SEQUENCE", "TCP_INVALID_SEQUENCE", "PROTO_MEM", "TCP_RFC7323_PAWS")
	h := &hook{unless: toldSegments}
	if k.needs(h) {
		t.Error("the hook is needed where the free tells all")
	}
	all := maps.Clone(k.reasonNames)
	for name := range all {
		k.reasonNames = maps.Clone(all)
		delete(k.reasonNames, name)
		if !k.needs(h) {
			t.Errorf("the hook is not needed without %s", name)
		}
	}
	k.reasonNames, k.namesSocket = all, false
	if !k.needs(h) {
		t.Error("the hook is not needed where the free does not tell the socket")
	}
}

// One of the two hooks for martians is needed, or none where there is a drop reason.
func TestToldMartians(t *testing.T) {
	routing := &hook{unless: toldMartians}
	handler := &hook{with: handledMartians}
	function := map[string]uint64{"ip_handle_martian_source": 0xffffffff81000000}
	place := extent{start: 0xffffffff81200000, end: 0xffffffff81200400}
	for name, c := range map[string]struct {
		kernel           *kernel
		function         map[string]uint64
		place            extent
		routing, handler bool
	}{
		"a drop reason":            {kernelWith("IP_RPFILTER", "IP_LOCAL_SOURCE"), function, place, false, false},
		"a function":               {kernelWith("IP_RPFILTER"), function, place, false, true},
		"a function that is split": {kernelWith("IP_RPFILTER"), nil, place, true, false},
		"hidden symbols":           {kernelWith("IP_RPFILTER"), function, extent{}, true, false},
		"no drop reasons":          {kernelWith(), function, place, true, false},
	} {
		c.kernel.symbols.functions, c.kernel.symbols.finishCore = c.function, c.place
		if r, h := c.kernel.needs(routing), c.kernel.needs(handler); r != c.routing || h != c.handler {
			t.Errorf("%s: needs the hook on routing: %v, on the function: %v; want %v, %v", name, r, h, c.routing, c.handler)
		}
	}
}

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
