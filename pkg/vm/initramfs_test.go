// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/u-root/u-root/pkg/cpio"
)

// build makes an initramfs and reads it back.
func build(t *testing.T, cfg Config) map[string]cpio.Record {
	t.Helper()
	buf, err := buildInitramfs(cfg, testPlatform(t, "amd64"), []byte("init program"))
	if err != nil {
		t.Fatal(err)
	}
	records, err := cpio.ReadAllRecords(cpio.Newc.Reader(bytes.NewReader(buf.Bytes())))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]cpio.Record{}
	for _, r := range records {
		dir := filepath.Dir(r.Name)
		if _, ok := files[dir]; dir != "." && !ok {
			t.Errorf("%s comes before its directory", r.Name)
		}
		files[r.Name] = r
	}
	return files
}

func content(t *testing.T, r cpio.Record) string {
	t.Helper()
	if r.ReaderAt == nil {
		return ""
	}
	data, err := io.ReadAll(io.NewSectionReader(r.ReaderAt, 0, int64(r.FileSize)))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func write(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

func TestInitramfsContent(t *testing.T) {
	dir := t.TempDir()
	modules := filepath.Join(dir, "modules")
	write(t, filepath.Join(modules, "modules.dep"), "kernel/drivers/net/veth.ko:\nkernel/net/netfilter/nf_conntrack.ko: kernel/lib/crc.ko\nkernel/lib/crc.ko:\n", 0o644)
	for _, m := range []string{"drivers/net/veth", "net/netfilter/nf_conntrack", "lib/crc"} {
		write(t, filepath.Join(modules, "kernel", m+".ko"), m, 0o644)
	}
	work := filepath.Join(dir, "pkg")
	program := filepath.Join(dir, "x.test")
	write(t, filepath.Join(work, "testdata", "a"), "data", 0o644)
	write(t, filepath.Join(work, ".git", "config"), "secret", 0o644)
	write(t, program, "#!/bin/sh\n", 0o755)
	write(t, filepath.Join(dir, "tool"), "tool", 0o755)

	files := build(t, Config{
		Kernel: Kernel{Name: "6.1", Package: "linux-image 6.1-1", Release: "6.1.0-test", Modules: modules}, Accel: "icount", Args: []string{program, "-test.v"}, Dir: work,
		Add: []File{{filepath.Join(dir, "tool"), "/bin/tool"}}, Modules: ModuleSpec{Late: []string{"nf_conntrack"}},
	})
	rel := func(p string) string { return strings.TrimPrefix(p, "/") }
	for name, want := range map[string]string{
		"init": "init program", "bin/tool": "tool", rel(program): "#!/bin/sh\n", rel(work) + "/testdata/a": "data",
		"lib/modules/6.1.0-test/kernel/drivers/net/veth.ko": "drivers/net/veth",
	} {
		if got := content(t, files[name]); got != want {
			t.Errorf("%s holds %q, want %q", name, got, want)
		}
	}
	if _, ok := files[rel(work)+"/.git"]; ok {
		t.Error(".git was copied")
	}
	if got := files["dev/console"]; got.Mode&cpio.S_IFCHR == 0 || got.Rmajor != 5 || got.Rminor != 1 {
		t.Errorf("console is %v", got.Info)
	}
	var cfg guestConfig
	if err := json.Unmarshal([]byte(content(t, files[rel(guestConfigFile)])), &cfg); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(cfg.Args, []string{program, "-test.v"}) || cfg.Dir != work {
		t.Errorf("configuration %+v", cfg)
	}
	for _, want := range []string{"SYNWATCH_VM=1", "SYNWATCH_ACCEL=icount", "SYNWATCH_KERNEL=6.1", "SYNWATCH_KERNEL_PACKAGE=linux-image 6.1-1"} {
		if !slices.Contains(cfg.Env, want) {
			t.Errorf("no %q in %q", want, cfg.Env)
		}
	}
	if want := []string{"veth"}; !slices.Equal(cfg.Preload, want) {
		t.Errorf("preload %v, want %v", cfg.Preload, want)
	}
}

func TestABigWorkingDirectoryIsItsTestdata(t *testing.T) {
	work := filepath.Join(t.TempDir(), "pkg")
	write(t, filepath.Join(work, "testdata", "a"), "data", 0o644)
	write(t, filepath.Join(work, "big"), "", 0o644)
	if err := os.Truncate(filepath.Join(work, "big"), workDirBytes+1); err != nil {
		t.Fatal(err)
	}
	fs := newInitramfs()
	if err := fs.addWorkDir(work); err != nil {
		t.Fatal(err)
	}
	if !fs.has(filepath.Join(work, "testdata/a")) || fs.has(filepath.Join(work, "big")) {
		t.Error("want testdata and nothing else")
	}
}

func TestSystemDirectoriesAreNotCopied(t *testing.T) {
	for _, dir := range []string{"/", "/etc", "/bin"} {
		fs := newInitramfs()
		before := len(fs.records)
		if err := fs.addWorkDir(dir); err != nil || len(fs.records) != before {
			t.Errorf("%s: %d records added, %v", dir, len(fs.records)-before, err)
		}
	}
}

func TestADynamicProgramIsRefused(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	err = checkStatic("self", data)
	if err != nil && !errors.Is(err, ErrDynamic) {
		t.Errorf("got %v", err)
	}
	if err := checkStatic("script", []byte("#!/bin/sh\n")); err != nil {
		t.Errorf("a script: %v", err)
	}
}

func TestShellWithoutAShellSplitsOnSpaces(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "synwatch"), "x", 0o755)
	fs := newInitramfs()
	if err := fs.addHost(filepath.Join(dir, "synwatch"), "/bin/synwatch"); err != nil {
		t.Fatal(err)
	}
	got, err := fs.addCommand([]string{"synwatch demo -v"}, true)
	if err != nil || !slices.Equal(got, []string{"synwatch", "demo", "-v"}) {
		t.Errorf("got %q, %v", got, err)
	}
	fs.symlink("/bin/sh", "busybox")
	got, err = fs.addCommand([]string{"synwatch demo -v"}, true)
	if err != nil || !slices.Equal(got, []string{"/bin/sh", "-c", "synwatch demo -v"}) {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestParseFile(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "tool"), "x", 0o755)
	tool := filepath.Join(dir, "tool")
	for in, want := range map[string]File{
		tool:             {tool, "/bin/tool"},
		tool + ":/x/y":   {tool, "/x/y"},
		tool + ":/sbin/": {tool, "/sbin/tool"},
		dir:              {dir, dir},
	} {
		if got, err := ParseFile(in); err != nil || got != want {
			t.Errorf("%s: got %+v, %v", in, got, err)
		}
	}
	for _, in := range []string{tool + ":relative", filepath.Join(dir, "absent")} {
		if got, err := ParseFile(in); err == nil {
			t.Errorf("%s: got %+v", in, got)
		}
	}
}
