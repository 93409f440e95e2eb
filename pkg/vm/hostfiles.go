// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// File is a file or directory of the host and its place in the guest.
type File struct{ Host, Guest string }

// ParseFile reads HOSTPATH[:GUESTPATH]. By default a file goes to /bin, under its
// own name, and a directory to its own path.
func ParseFile(s string) (File, error) {
	host, guest, _ := strings.Cut(s, ":")
	abs, err := filepath.Abs(host)
	if err != nil {
		return File{}, err
	}
	st, err := os.Stat(abs)
	if err != nil {
		return File{}, fmt.Errorf("add: %w", err)
	}
	switch {
	case guest == "" && st.IsDir():
		guest = abs
	case guest == "":
		guest = path.Join("/bin", filepath.Base(abs))
	case strings.HasSuffix(guest, "/"):
		guest = path.Join(guest, filepath.Base(abs))
	}
	if !path.IsAbs(guest) {
		return File{}, fmt.Errorf("add %s: the guest's path must be absolute", s)
	}
	return File{abs, guest}, nil
}

// ErrDynamic says that a program needs shared libraries, of which the guest has none.
var ErrDynamic = errors.New("is dynamically linked and the machine has no libraries: build it with CGO_ENABLED=0")

// check refuses an ELF program for another architecture.
func (p *platform) check(name string, data []byte) error {
	f, err := elf.NewFile(bytes.NewReader(data))
	if err != nil || p == nil || f.Machine == p.elf {
		return nil
	}
	return fmt.Errorf("%s is for %s and the machine is %s: build it with GOARCH=%s", name, f.Machine, p.arch, p.arch)
}

// checkStatic refuses an ELF program with an interpreter; anything else passes.
func checkStatic(name string, data []byte) error {
	f, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		return nil
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			return fmt.Errorf("%s %w", name, ErrDynamic)
		}
	}
	return nil
}

// addHost copies a file or a directory of the host.
func (fs *initramfs) addHost(host, guest string) error {
	st, err := os.Stat(host)
	if err != nil {
		return err
	}
	if st.IsDir() {
		return fs.addTree(host, guest, nil)
	}
	return fs.addHostFile(host, guest, st.Mode())
}

func (fs *initramfs) addHostFile(host, guest string, mode os.FileMode) error {
	data, err := os.ReadFile(host)
	if err != nil {
		return err
	}
	if mode&0o111 != 0 {
		if err := errors.Join(checkStatic(host, data), fs.platform.check(host, data)); err != nil {
			return err
		}
	}
	fs.file(guest, data, uint64(mode.Perm()))
	return nil
}

// addTree copies files, links and directories below host. What keep refuses is left
// out with all below it.
func (fs *initramfs) addTree(host, guest string, keep func(fs.DirEntry) bool) error {
	return walk(host, func(p string, e entry) error {
		if keep != nil && p != host && !keep(e) {
			return skip(e)
		}
		to := path.Join(guest, filepath.ToSlash(strings.TrimPrefix(p, host)))
		switch {
		case e.IsDir():
			fs.dir(to, 0o755)
		case e.Type() == os.ModeSymlink:
			target, err := os.Readlink(p)
			if err != nil {
				return err
			}
			fs.symlink(to, target)
		case e.Type().IsRegular():
			info, err := e.Info()
			if err != nil {
				return err
			}
			data, err := os.ReadFile(p)
			if err != nil {
				return err
			}
			fs.file(to, data, uint64(info.Mode().Perm()))
		}
		return nil
	})
}

type entry = fs.DirEntry

func walk(root string, fn func(string, entry) error) error {
	return filepath.WalkDir(root, func(p string, e entry, err error) error {
		if err != nil {
			return err
		}
		return fn(p, e)
	})
}

func skip(e entry) error {
	if e.IsDir() {
		return filepath.SkipDir
	}
	return nil
}

// A working directory is copied whole up to these bounds, otherwise its testdata only.
const (
	workDirBytes = 20 << 20
	workDirFiles = 2000
)

// systemDirs are the guest's own: a working directory there is not copied over them.
var systemDirs = []string{"/bin", "/sbin", "/usr", "/lib", "/lib64", "/etc", "/dev", "/proc", "/sys", "/run", "/var", "/root"}

// addWorkDir copies the directory that the command runs in to the same path.
func (fs *initramfs) addWorkDir(dir string) error {
	if dir == "/" || slices.Contains(systemDirs, "/"+strings.SplitN(dir, "/", 3)[1]) && strings.Count(dir, "/") == 1 {
		return nil
	}
	if smallTree(dir) {
		return fs.addTree(dir, dir, visible)
	}
	data := filepath.Join(dir, "testdata")
	if st, err := os.Stat(data); err == nil && st.IsDir() {
		return fs.addTree(data, data, visible)
	}
	return nil
}

// visible leaves a repository's .git out.
func visible(e entry) bool { return e.Name() != ".git" }

var errTooBig = errors.New("too big")

func smallTree(dir string) bool {
	bytes, files := int64(0), 0
	err := walk(dir, func(p string, e entry) error {
		if p != dir && !visible(e) {
			return skip(e)
		}
		if info, err := e.Info(); err == nil && e.Type().IsRegular() {
			bytes += info.Size()
		}
		if files++; bytes > workDirBytes || files > workDirFiles {
			return errTooBig
		}
		return nil
	})
	return err == nil
}

// addParents makes sure that a directory exists.
func (fs *initramfs) addParents(dir string) {
	if !fs.has(dir) {
		fs.dir(dir, 0o755)
	}
}

// addCommand finds the command in the guest or brings it there from the host, and
// returns the guest's argument list. With shell, args is one string for /bin/sh.
func (fs *initramfs) addCommand(args []string, shell bool) ([]string, error) {
	if shell {
		if fs.has("/bin/sh") {
			return []string{"/bin/sh", "-c", strings.Join(args, " ")}, nil
		}
		args = strings.Fields(strings.Join(args, " "))
	}
	if len(args) == 0 {
		return nil, errors.New("no command given")
	}
	name := args[0]
	if !strings.Contains(name, "/") {
		for _, dir := range strings.Split(guestPath, ":") {
			if fs.has(path.Join(dir, name)) {
				return args, nil
			}
		}
	} else if path.IsAbs(name) && fs.has(name) && strings.HasPrefix(name, "/bin/") {
		return args, nil
	}
	host, err := exec.LookPath(name)
	if err != nil {
		return nil, fmt.Errorf("find the command: %w", err)
	}
	abs, err := filepath.Abs(host)
	if err != nil {
		return nil, err
	}
	if err := fs.addHostFile(abs, abs, 0o755); err != nil {
		return nil, fmt.Errorf("add the command: %w", err)
	}
	return append([]string{abs}, args[1:]...), nil
}
