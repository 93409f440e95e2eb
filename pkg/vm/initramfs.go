// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/u-root/u-root/pkg/cpio"
)

// initramfs collects the guest's files, a path once. Parents come by themselves.
type initramfs struct {
	platform *platform // what programs must be for; nil for any
	records  map[string]cpio.Record
}

func newInitramfs() *initramfs {
	fs := &initramfs{records: map[string]cpio.Record{}}
	for _, dir := range []string{"/dev", "/proc", "/sys", "/run", "/root", "/etc", "/bin", "/sbin", "/usr/bin", "/usr/sbin", "/var"} {
		fs.dir(dir, 0o755)
	}
	fs.dir("/tmp", 0o1777)
	// Without a console the kernel starts init with no files open at all.
	fs.put("/dev/console", cpio.CharDev("", 0o600, 5, 1))
	fs.file("/etc/passwd", []byte("root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n"), 0o644)
	fs.file("/etc/group", []byte("root:x:0:\nnogroup:x:65534:\n"), 0o644)
	fs.file("/etc/hosts", []byte("127.0.0.1 localhost\n::1 localhost\n"), 0o644)
	return fs
}

// put adds a record under a guest path, and its parents.
func (fs *initramfs) put(name string, r cpio.Record) {
	name = strings.TrimPrefix(path.Clean("/"+name), "/")
	if name == "" {
		return
	}
	r.Info.Name = name
	r.NLink = 1
	fs.records[name] = r
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		if _, ok := fs.records[dir]; !ok {
			d := cpio.Directory(dir, 0o755)
			d.NLink = 1
			fs.records[dir] = d
		}
	}
}

func (fs *initramfs) dir(name string, mode uint64) { fs.put(name, cpio.Directory("", mode)) }

func (fs *initramfs) file(name string, data []byte, mode uint64) {
	fs.put(name, cpio.StaticFile("", string(data), mode))
}

func (fs *initramfs) symlink(name, target string) { fs.put(name, cpio.Symlink("", target)) }

func (fs *initramfs) has(name string) bool {
	_, ok := fs.records[strings.TrimPrefix(path.Clean("/"+name), "/")]
	return ok
}

// writeTo writes the archive, parents before what is in them.
func (fs *initramfs) writeTo(w io.Writer) error {
	out := cpio.Newc.Writer(w)
	for i, name := range slices.Sorted(maps.Keys(fs.records)) {
		r := fs.records[name]
		r.Ino = uint64(i + 1)
		if err := out.WriteRecord(r); err != nil {
			return fmt.Errorf("write initramfs: %s: %w", name, err)
		}
	}
	return cpio.WriteTrailer(out)
}

// addInit adds this program as the guest's init and modprobe.
func (fs *initramfs) addInit(program []byte) {
	fs.file("/init", program, 0o755)
	fs.symlink("/sbin/modprobe", "/init")
}

// portModules drive the virtio ports.
var portModules = []string{"virtio_pci", "virtio_console"}

// addModules puts the kernel's modules in and returns those for the ports and those
// to preload. Compressed ones stay so: the guest's kmodule decompresses them.
func (fs *initramfs) addModules(k Kernel, spec ModuleSpec) (ports, preload []string, err error) {
	if k.Modules == "" {
		return nil, nil, nil
	}
	t, err := loadModules(k.Modules)
	if err != nil {
		return nil, nil, err
	}
	rel := k.Release
	if rel == "" {
		rel = path.Base(k.Modules)
	}
	want := append(slices.Clone(DefaultModules), spec.More...)
	files := slices.Clone(moduleIndex)
	for _, name := range t.selection(append(slices.Clone(want), portModules...)) {
		files = append(files, t.files[name])
	}
	for _, file := range files {
		data, err := os.ReadFile(filepath.Join(k.Modules, file))
		if errors.Is(err, os.ErrNotExist) && slices.Contains(moduleIndex, file) {
			continue
		}
		if err != nil {
			return nil, nil, fmt.Errorf("read modules: %w", err)
		}
		fs.file(path.Join("/lib/modules", rel, file), data, 0o644)
	}
	if !spec.NoPreload {
		preload = t.preload(want, spec.Late)
	}
	return t.preload(portModules, nil), preload, nil
}

// ModuleSpec says which modules the guest gets.
type ModuleSpec struct {
	// More are loaded besides DefaultModules.
	More []string
	// Late are not loaded at boot, nor is what depends on them; the kernel may ask
	// for them later.
	Late []string
	// NoPreload loads nothing at boot.
	NoPreload bool
}

// guestPath is the PATH inside the guest.
const guestPath = "/bin:/sbin:/usr/bin:/usr/sbin"

// guestEnv is the command's environment; SYNWATCH_VM=1 shows tests that the machine
// is theirs, so that they may change machine-wide limits, SYNWATCH_ACCEL what it runs on,
// SYNWATCH_KERNEL which of the matrix's kernels it has, and SYNWATCH_KERNEL_PACKAGE the
// package and version of that.
func guestEnv(cfg Config) []string {
	env := []string{
		"PATH=" + guestPath, "HOME=/root", "USER=root", "TMPDIR=/tmp", "TERM=dumb", "LANG=C", "SYNWATCH_VM=1",
		"SYNWATCH_ACCEL=" + cfg.Accel,
	}
	if IsKnownName(cfg.Kernel.Name) {
		env = append(env, "SYNWATCH_KERNEL="+cfg.Kernel.Name, "SYNWATCH_KERNEL_PACKAGE="+cfg.Kernel.Package)
	}
	for _, kv := range os.Environ() {
		name, _, _ := strings.Cut(kv, "=")
		if passedOn(name) {
			env = append(env, kv)
		}
	}
	return append(env, cfg.Env...)
}

// passedOn says whether a variable of the host goes into the guest by itself.
func passedOn(name string) bool {
	switch name {
	case "GOTRACEBACK", "GODEBUG", "GOMAXPROCS", "NO_COLOR":
		return true
	case "SYNWATCH_DEBIAN_MIRROR", "SYNWATCH_VM", "SYNWATCH_ACCEL", "SYNWATCH_KERNEL", "SYNWATCH_KERNEL_PACKAGE":
		return false
	}
	return strings.HasPrefix(name, "SYNWATCH_")
}

// buildInitramfs makes the archive for one run.
func buildInitramfs(cfg Config, p *platform, program []byte) (*bytes.Buffer, error) {
	fs := newInitramfs()
	fs.platform = p
	fs.addInit(program)
	ports, preload, err := fs.addModules(cfg.Kernel, cfg.Modules)
	if err != nil {
		return nil, err
	}
	if err := fs.addBusybox(p, cfg.Kernel.Busybox); err != nil {
		return nil, err
	}
	if cfg.Dir != "" {
		if err := fs.addWorkDir(cfg.Dir); err != nil {
			return nil, err
		}
	}
	for _, f := range cfg.Add {
		if err := fs.addHost(f.Host, f.Guest); err != nil {
			return nil, err
		}
	}
	args, err := fs.addCommand(cfg.Args, cfg.Shell)
	if err != nil {
		return nil, err
	}
	dir := cfg.Dir
	if dir == "" {
		dir = "/root"
	}
	fs.addParents(dir)
	conf, err := json.Marshal(guestConfig{
		Args: args, Dir: dir, Env: guestEnv(cfg), Ports: ports, Preload: preload, Stdin: cfg.Stdin != nil,
	})
	if err != nil {
		return nil, err
	}
	fs.file(guestConfigFile, conf, 0o644)
	buf := new(bytes.Buffer)
	return buf, fs.writeTo(buf)
}
