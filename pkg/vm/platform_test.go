// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"slices"
	"strings"
	"testing"
)

func testPlatform(t *testing.T, arch string) *platform {
	t.Helper()
	p, err := platformOf(arch)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPlatforms(t *testing.T) {
	testPlatform(t, Kernel{}.Architecture())
	for _, k := range knownKernels() {
		testPlatform(t, k.edition.arch)
	}
	if _, err := platformOf("vax"); err == nil {
		t.Error("no error for a vax")
	}
}

func TestAPlatformWithOneSerialPort(t *testing.T) {
	p := testPlatform(t, "arm64")
	args := strings.Join(machine{platform: p, accel: "tcg", cpus: 2, memory: "1G", image: "/boot/vmlinuz"}.args(), " ")
	for _, want := range []string{
		"-M virt", "-cpu max", "socket,id=s0,fd=4 -serial chardev:s0", "virtserialport,bus=fast.0,chardev=s3,name=control",
		"socket,id=s4,fd=8 -device virtserialport,bus=fast.0,chardev=s4,name=stdout",
	} {
		if !strings.Contains(args, want) {
			t.Errorf("no %q in %s", want, args)
		}
	}
	if strings.Contains(args, "id=s1,") || strings.Contains(args, "isa-serial") {
		t.Errorf("ports that the machine does not have: %s", args)
	}
	if got := p.kernelCmdline("tcg", false, "more=1"); !strings.HasPrefix(got, "console=ttyAMA0 ") || strings.Contains(got, "tsc=") ||
		!strings.HasSuffix(got, " quiet mitigations=off more=1") {
		t.Errorf("command line %q", got)
	}
}

func TestAMissingEmulatorIsNamedWithItsPackage(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	err := CanRun(Kernel{Arch: "arm64"})
	if err == nil || !strings.Contains(err.Error(), "qemu-system-aarch64") || !strings.Contains(err.Error(), "package qemu-system-arm ") {
		t.Errorf("got %v", err)
	}
}

func TestAProgramForAnotherArchitectureIsRefused(t *testing.T) {
	module := testModule(t, "x", "none") // an ELF file of amd64
	if err := testPlatform(t, "amd64").check("x.test", module); err != nil {
		t.Error(err)
	}
	err := testPlatform(t, "arm64").check("x.test", module)
	if err == nil || !strings.Contains(err.Error(), "GOARCH=arm64") {
		t.Errorf("got %v", err)
	}
	if err := testPlatform(t, "arm64").check("script", []byte("#!/bin/sh\n")); err != nil {
		t.Errorf("a script: %v", err)
	}
}

func TestEmbeddedApplets(t *testing.T) {
	got := embeddedApplets([]byte("\x7fELF\x00junk\x00[\x00[[\x00ash\x00sh\x00zcat\x00\x00more\x00"))
	if want := []string{"[", "[[", "ash", "sh", "zcat"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := embeddedApplets([]byte("no busybox")); !slices.Equal(got, []string{"sh"}) {
		t.Errorf("got %q", got)
	}
}
