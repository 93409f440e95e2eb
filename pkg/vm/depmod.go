// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"bytes"
	"debug/elf"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
)

// moduleInfo is what a module says of itself in its .modinfo section.
type moduleInfo struct {
	depends []string // names, direct dependencies only
	aliases []string
}

// parseModinfo reads the .modinfo section of a plain module: NUL-separated
// "key=value" strings (scripts/mod/modpost.c writes them).
func parseModinfo(module []byte) (moduleInfo, error) {
	var info moduleInfo
	f, err := elf.NewFile(bytes.NewReader(module))
	if err != nil {
		return info, err
	}
	section := f.Section(".modinfo")
	if section == nil {
		return info, fmt.Errorf("no .modinfo section")
	}
	data, err := section.Data()
	if err != nil {
		return info, err
	}
	for _, entry := range bytes.Split(data, []byte{0}) {
		key, value, _ := strings.Cut(string(entry), "=")
		switch {
		case key == "depends" && value != "":
			info.depends = strings.Split(value, ",")
		case key == "alias":
			info.aliases = append(info.aliases, value)
		}
	}
	return info, nil
}

// scanModules does depmod's work, which a Debian package leaves to its installation
// script: it reads the modules' own accounts of dependencies and aliases, of those
// that keep wants and of what they depend on. A full kernel has thousands of others.
func scanModules(dir string, keep func(file string) bool) (*moduleTree, error) {
	files, err := moduleFiles(dir)
	if err != nil {
		return nil, err
	}
	t := newModuleTree(dir)
	byName := map[string]string{}
	var next []string
	for _, file := range files {
		byName[moduleName(file)] = file
		if keep(file) {
			next = append(next, file)
		}
	}
	for len(next) > 0 {
		infos, err := readInfos(dir, next)
		if err != nil {
			return nil, err
		}
		for i, file := range next {
			t.add(file, infos[i])
		}
		next = nil
		for _, info := range infos {
			for _, dep := range normalNames(info.depends) {
				file, ok := byName[dep]
				if _, known := t.files[dep]; ok && !known && !slices.Contains(next, file) {
					next = append(next, file)
				}
			}
		}
	}
	t.readBuiltin()
	return t, nil
}

// add enters a module into the tree.
func (t *moduleTree) add(file string, info moduleInfo) {
	name := moduleName(file)
	t.files[name] = file
	t.depends[name] = normalNames(info.depends)
	for _, a := range info.aliases {
		t.aliases = append(t.aliases, moduleAlias{normal(a), name})
	}
}

// readInfos reads modules, a processor each.
func readInfos(dir string, files []string) ([]moduleInfo, error) {
	infos := make([]moduleInfo, len(files))
	var g errgroup.Group
	g.SetLimit(runtime.NumCPU())
	for i, file := range files {
		g.Go(func() error {
			data, err := readModule(filepath.Join(dir, file))
			if err == nil {
				infos[i], err = parseModinfo(data)
			}
			if err != nil {
				return fmt.Errorf("%s: %w", file, err)
			}
			return nil
		})
	}
	return infos, g.Wait()
}

// moduleFiles lists the modules below dir, relative to it.
func moduleFiles(dir string) ([]string, error) {
	var files []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if _, ok := plainName(path); ok && d.Type().IsRegular() {
			rel, _ := filepath.Rel(dir, path)
			files = append(files, rel)
		}
		return nil
	})
	return files, err
}

// keepPrefixes are the parts of a module tree that a machine without devices, but
// with a network stack, can use. The rest of a distribution's kernel is drivers.
var keepPrefixes = []string{
	"kernel/net/", "kernel/lib/", "kernel/crypto/", "kernel/arch/", "kernel/fs/9p/", "kernel/fs/fuse/",
	"kernel/fs/overlayfs/", "kernel/fs/netfs/", "kernel/drivers/virtio/", "kernel/drivers/char/virtio",
	"kernel/drivers/net/bonding/", "kernel/drivers/net/wireguard/", "kernel/drivers/net/vxlan/",
	"kernel/drivers/net/ipvlan/", "kernel/drivers/net/team/", "kernel/drivers/net/netdevsim/",
}

func keepModule(file string) bool {
	for _, p := range keepPrefixes {
		if strings.HasPrefix(file, p) {
			return true
		}
	}
	return filepath.Dir(file) == "kernel/drivers/net"
}

// installModules copies the modules worth keeping from src to dst, decompressed,
// with what they depend on, and writes their index.
func installModules(src, dst string) error {
	t, err := scanModules(src, keepModule)
	if err != nil {
		return err
	}
	order := t.closure(slices.Sorted(maps.Keys(t.files)))
	var g errgroup.Group
	g.SetLimit(runtime.NumCPU())
	for _, name := range order {
		g.Go(func() error { return copyPlain(t, name, dst) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	if err := os.MkdirAll(dst, 0o755); err != nil {
		return err
	}
	for name, data := range t.index(order) {
		if err := os.WriteFile(filepath.Join(dst, name), data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func copyPlain(t *moduleTree, name, dst string) error {
	data, err := t.read(name)
	if err != nil {
		return err
	}
	plain, _ := plainName(t.files[name])
	path := filepath.Join(dst, plain)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o644)
}
