// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestMachineArgs(t *testing.T) {
	m := machine{platform: testPlatform(t, "amd64"), accel: "tcg", cpus: 2, memory: "1G", image: "/boot/vmlinuz", cmdline: "console=ttyS0"}
	got := strings.Join(m.args(), " ")
	for _, want := range []string{
		"-accel tcg,thread=multi -cpu max,cx16=off", "-smp 2 -m 1G", "-no-reboot", "-initrd /proc/self/fd/3",
		"socket,id=s0,fd=4 -device isa-serial,chardev=s0,index=0",
		"socket,id=s3,fd=7 -device isa-serial,chardev=s3,index=3",
		"socket,id=s4,fd=8 -device virtserialport,bus=fast.0,chardev=s4,name=stdout",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in %s", want, got)
		}
	}
	m.accel = "kvm"
	if got := strings.Join(m.args(), " "); strings.Contains(got, "tcg") || !strings.Contains(got, "-accel kvm") {
		t.Errorf("kvm: %s", got)
	}
}

// A machine that counts instructions has one processor and one thread, and the kernel's
// options for an emulated one.
func TestACountingMachine(t *testing.T) {
	p := testPlatform(t, "amd64")
	cfg := Config{Accel: "icount"}.withDefaults()
	accel, err := chooseAccel(t.Context(), cfg, p, nil)
	if err != nil {
		t.Fatal(err)
	}
	m := machine{platform: p, accel: accel, cpus: cfg.CPUs, memory: "1G", image: "/boot/vmlinuz"}
	got := strings.Join(m.args(), " ")
	for _, want := range []string{"-accel tcg,thread=single ", "-icount shift=0,sleep=off ", " -smp 1 "} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in %s", want, got)
		}
	}
	if got, want := p.kernelCmdline(accel, false, ""), p.kernelCmdline("tcg", false, ""); got != want {
		t.Errorf("command line %q, want %q", got, want)
	}
	cfg.CPUs = 2
	if got, err := chooseAccel(t.Context(), cfg, p, nil); err == nil {
		t.Errorf("got %q with two processors", got)
	}
	for _, accel := range []string{"", "kvm", "tcg"} {
		if got := (Config{Accel: accel}).withDefaults().CPUs; got != 2 {
			t.Errorf("%d processors with %q", got, accel)
		}
	}
}

func TestConsoleKeepsTheLastLines(t *testing.T) {
	c := &console{}
	for range consoleLines + 5 {
		c.Write([]byte("old\r\n"))
	}
	c.Write([]byte("\x1bcBUG: "))
	c.Write([]byte("unable\r\nlast"))
	lines := c.tail()
	if len(lines) != consoleLines+1 || lines[len(lines)-1] != "last" || lines[len(lines)-2] != "cBUG: unable" {
		t.Errorf("%d lines, ending in %q", len(lines), lines[len(lines)-2:])
	}
	dead := &DeadError{Why: "gone", Console: lines}
	if got := dead.brief(); got != "BUG: unable" {
		t.Errorf("brief %q", got)
	}
}

func TestOwnKernel(t *testing.T) {
	dir := t.TempDir()
	image := make([]byte, 0x600)
	copy(image[0x202:], "HdrS")
	image[0x20e], image[0x20f] = 0x00, 0x02 // 0x200 + 0x200
	copy(image[0x400:], "6.1.2-mine (me@here) #1 SMP\x00")
	path := filepath.Join(dir, "boot", "vmlinuz")
	write(t, path, string(image), 0o644)
	k, err := OwnKernel(path, "")
	if err != nil || k.Release != "6.1.2-mine" || k.Modules != "" {
		t.Errorf("got %+v, %v", k, err)
	}
	modules := filepath.Join(dir, "lib/modules/6.1.2-mine")
	if err := os.MkdirAll(modules, 0o755); err != nil {
		t.Fatal(err)
	}
	if k, err = OwnKernel(path, ""); err != nil || k.Modules != modules {
		t.Errorf("got %+v, %v", k, err)
	}
	if _, err := OwnKernel(filepath.Join(dir, "absent"), ""); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	if _, err := OwnKernel(dir, ""); err == nil {
		t.Error("a directory is no kernel")
	}
}

func TestCachedKernel(t *testing.T) {
	c := Cache(t.TempDir())
	if _, err := c.Cached("6.12"); !errors.Is(err, ErrNotFetched) {
		t.Errorf("got %v", err)
	}
	write(t, filepath.Join(string(c), "6.12", kernelFile), `{"name":"6.12","release":"6.12.1","image":"boot/vmlinuz","modules":"lib/modules/6.12.1"}`, 0o644)
	k, err := c.Cached("6.12")
	if err != nil || k.Image != filepath.Join(string(c), "6.12/boot/vmlinuz") || k.Modules != filepath.Join(string(c), "6.12/lib/modules/6.12.1") {
		t.Errorf("got %+v, %v", k, err)
	}
}

func TestAccelAnswerIsForOneBootOfTheHost(t *testing.T) {
	c := Cache(t.TempDir())
	c.saveAccel(accelAnswer{BootID: bootID(), KVM: true})
	if a, ok := c.accel(); !ok || !a.KVM {
		t.Errorf("got %+v, %t", a, ok)
	}
	c.saveAccel(accelAnswer{BootID: "another", KVM: true})
	if _, ok := c.accel(); ok {
		t.Error("an old answer was believed")
	}
}

func TestLayOutBothKindsOfPackages(t *testing.T) {
	const rel = "7.2.1-test"
	for name, files := range map[string][]string{
		"one package": {"boot/vmlinuz-" + rel, "boot/config-" + rel, "lib/modules/" + rel + "/modules.builtin"},
		"split":       {"usr/lib/modules/" + rel + "/vmlinuz.unsigned", "usr/lib/modules/" + rel + "/config"},
	} {
		root, tree := t.TempDir(), t.TempDir()
		for _, f := range files {
			write(t, filepath.Join(root, f), f, 0o644)
		}
		k, err := layOut(t.Context(), root, tree, rel)
		if err != nil || k.Image != "boot/vmlinuz" || k.Modules != "lib/modules/"+rel {
			t.Errorf("%s: got %+v, %v", name, k, err)
		}
		for _, f := range []string{"boot/vmlinuz", "boot/config", k.Modules + "/modules.dep"} {
			if _, err := os.Stat(filepath.Join(tree, f)); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	if _, err := layOut(t.Context(), t.TempDir(), t.TempDir(), rel); err == nil {
		t.Error("no error for an empty package")
	}
}
