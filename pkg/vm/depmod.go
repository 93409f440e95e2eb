// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/u-root/u-root/pkg/kmodule"
	"golang.org/x/sync/errgroup"
)

// depmod runs kmod's depmod over a BASE/lib/modules/RELEASE directory, which a
// Debian package leaves to its installation script.
func depmod(ctx context.Context, dir string) error {
	release := filepath.Base(dir)
	base, ok := strings.CutSuffix(filepath.Clean(dir), filepath.Join("/lib/modules", release))
	if !ok {
		return fmt.Errorf("depmod: %s is no lib/modules/RELEASE directory", dir)
	}
	program, err := findDepmod()
	if err != nil {
		return err
	}
	out, err := exec.CommandContext(ctx, program, "--basedir", base, release).CombinedOutput()
	if err != nil {
		return fmt.Errorf("depmod %s: %w: %s", dir, err, strings.TrimSpace(string(out)))
	}
	return nil
}

// depmodPaths has it in PATH and where Debian has it, which the PATH of an ordinary
// user leaves out.
var depmodPaths = []string{"depmod", "/usr/sbin/depmod", "/sbin/depmod"}

func findDepmod() (string, error) {
	for _, name := range depmodPaths {
		if program, err := exec.LookPath(name); err == nil {
			return program, nil
		}
	}
	return "", errors.New("depmod is not installed (package kmod)")
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

// installModules copies the modules worth keeping from one lib/modules/RELEASE
// directory to another, decompressed, with what they depend on, and indexes both.
func installModules(ctx context.Context, src, dst string) error {
	if err := depmod(ctx, src); err != nil {
		return err
	}
	t, err := loadModules(src)
	if err != nil {
		return err
	}
	var keep []string
	for name, file := range t.files {
		if keepModule(file) {
			keep = append(keep, name)
		}
	}
	var g errgroup.Group
	g.SetLimit(runtime.NumCPU())
	for _, name := range t.closure(keep) {
		g.Go(func() error { return copyPlain(t, name, dst) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	if err := os.MkdirAll(dst, 0o755); err != nil {
		return err
	}
	// What the kernel's build lists, which depmod reads.
	for _, list := range []string{"modules.order", "modules.builtin", "modules.builtin.modinfo"} {
		data, err := os.ReadFile(filepath.Join(src, list))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(dst, list), data, 0o644)
		}
		if err != nil {
			return err
		}
	}
	return depmod(ctx, dst)
}

// copyPlain writes a module decompressed. Its file gets the module's name, as
// kmodule does not find chacha-x86_64, which mixes dashes and underscores.
func copyPlain(t *moduleTree, name, dst string) error {
	file := t.files[name]
	data, err := readModule(filepath.Join(t.dir, file))
	if err != nil {
		return err
	}
	to := filepath.Join(dst, path.Dir(file), name+".ko")
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o644)
}

// readModule reads a module and decompresses it.
func readModule(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r, err := kmodule.CompressionReader(f)
	if err != nil {
		return nil, fmt.Errorf("decompress %s: %w", file, err)
	}
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("decompress %s: %w", file, err)
	}
	return data, nil
}
