// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/synwatch/synwatch/pkg/vm"
)

func TestTheArchitectureIsFilledIn(t *testing.T) {
	dir := t.TempDir()
	for _, arch := range []string{"amd64", "arm64"} {
		if err := os.WriteFile(filepath.Join(dir, "tool-"+arch), nil, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for kernel, arch := range map[*vm.Kernel]string{{}: "amd64", {Arch: "arm64"}: "arm64"} {
		f := machineFlags{fetchFlags: fetchFlags{cache: dir}, add: []string{dir + "/tool-%ARCH%:/bin/tool"}}
		cfg, err := f.forKernel(*kernel, []string{"x-%ARCH%.test", "-test.v"})
		if err != nil {
			t.Fatal(err)
		}
		if want := []string{"x-" + arch + ".test", "-test.v"}; !slices.Equal(cfg.Args, want) {
			t.Errorf("command %q, want %q", cfg.Args, want)
		}
		if want := []vm.File{{Host: dir + "/tool-" + arch, Guest: "/bin/tool"}}; !slices.Equal(cfg.Add, want) {
			t.Errorf("files %v, want %v", cfg.Add, want)
		}
	}
}

func TestAProgramOfOneArchitectureRunsOnItsOwnKernels(t *testing.T) {
	const foreign = "6.12-arm64"
	all := kernelsFor([]string{"x-%ARCH%.test"})
	if !slices.Contains(all, foreign) || !slices.Contains(all, "6.12-rt") {
		t.Errorf("with a program for each: %v", all)
	}
	if further := "6.1-rt"; !vm.IsKnownName(further) || slices.Contains(all, further) {
		t.Errorf("%s is not one of those that are run when named: %v", further, all)
	}
	if vm.MatrixNamesOf("amd64")[0] != "5.10" || slices.Contains(vm.MatrixNamesOf("amd64"), foreign) {
		t.Errorf("amd64: %v", vm.MatrixNamesOf("amd64"))
	}
}
