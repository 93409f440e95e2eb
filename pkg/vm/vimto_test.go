// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestVimtoKernels(t *testing.T) {
	for kernel, want := range map[string][2]string{
		"6.6":                            {":6.6", "6.6"},
		"ghcr.io/cilium/ci-kernels:6.12": {"ghcr.io/cilium/ci-kernels:6.12", "6.12"},
		"/srv/ci-kernel":                 {"/srv/ci-kernel", "ci-kernel"},
		"/srv/ci-kernel/boot/vmlinuz":    {"/srv/ci-kernel/boot/vmlinuz", "ci-kernel"},
		"./kernels/mine/vmlinux":         {"./kernels/mine/vmlinux", "mine"},
	} {
		if got := [2]string{vimtoKernel(kernel), VimtoName(kernel)}; got != want {
			t.Errorf("%s: %q, want %q", kernel, got, want)
		}
	}
}

func TestEmulatedArguments(t *testing.T) {
	p, err := platformOf("amd64")
	if err != nil {
		t.Fatal(err)
	}
	got := p.emulated([]string{"-nodefaults", "-cpu", "max", "-append", "ro init=/vimto -- stdio ctrl", "-m", "2G"})
	want := []string{"-nodefaults", "-cpu", "max,cx16=off", "-append",
		"mitigations=off no_timer_check tsc=nowatchdog ro init=/vimto -- stdio ctrl", "-m", "2G"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

// fakeVimto says what it was called with, and fails as vimto does so many times.
func fakeVimto(t *testing.T, failures string) *Vimto {
	dir := t.TempDir()
	script := `#!/bin/sh
echo "$SYNWATCH_VM $SYNWATCH_KERNEL $VIMTO_DISABLE_KVM $MORE $*"
cd ` + dir + `
echo >>runs
[ $(wc -l <runs) -gt ` + failures + ` ] && exit 3
exit 128
`
	v := &Vimto{Accel: "tcg", Env: []string{"MORE=more"}, Log: io.Discard, path: filepath.Join(dir, "vimto"), wrapper: "/wrapper"}
	if err := os.WriteFile(v.path, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestVimtoIsRunAgain(t *testing.T) {
	var out bytes.Buffer
	status, err := fakeVimto(t, "2").Run(t.Context(), "6.6", []string{"/x.test", "-test.v"}, &out, io.Discard, out.Reset)
	want := "1 6.6 true more -kernel :6.6 exec -- /x.test -test.v\n"
	if status != 3 || err != nil || out.String() != want {
		t.Errorf("status %d, %v, %q, want %q", status, err, out.String(), want)
	}
	if status, err = fakeVimto(t, "3").Run(t.Context(), "6.6", nil, io.Discard, io.Discard, func() {}); status != vimtoFailed || err == nil {
		t.Errorf("one that always fails: status %d, %v", status, err)
	}
}

func TestVimtoIsNotThere(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := NewVimto(t.Context(), Cache(t.TempDir()), "tcg", "6.6", io.Discard)
	if err == nil || !strings.Contains(err.Error(), "go install lmb.io/vimto@latest") {
		t.Errorf("got %v", err)
	}
}
