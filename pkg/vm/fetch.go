// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// Fetcher downloads Debian's kernels into a cache.
type Fetcher struct {
	Cache Cache
	// Mirror overrides the mirror that this machine is set up with.
	Mirror Mirror
	// Refresh looks for a newer version although the cache has one.
	Refresh bool
	// Log gets a line for each step.
	Log io.Writer
}

// Fetch returns the matrix kernel of that name, from the cache if it is there.
// It may run several times at once, in this process and in others.
func (f Fetcher) Fetch(ctx context.Context, name string) (Kernel, error) {
	if !f.Refresh {
		if k, err := f.Cache.Cached(name); err == nil {
			return k, nil
		}
	}
	unlock, err := f.Cache.lock(name)
	if err != nil {
		return Kernel{}, err
	}
	defer unlock()
	if !f.Refresh {
		if k, err := f.Cache.Cached(name); err == nil {
			return k, nil
		}
	}
	k, err := f.fetch(ctx, name)
	if err != nil {
		return Kernel{}, fmt.Errorf("fetch %s: %w", name, err)
	}
	return k, nil
}

func (f Fetcher) fetch(ctx context.Context, name string) (Kernel, error) {
	mirror := f.Mirror
	if mirror.Archive == "" {
		var err error
		if mirror, err = hostMirror(ctx); err != nil {
			return Kernel{}, err
		}
	}
	var errs []error
	for _, mk := range knownKernels() {
		if mk.name != name {
			continue
		}
		for _, s := range mk.sources {
			k, err := f.fetchFrom(ctx, mk, mirror, s)
			if err == nil || ctx.Err() != nil {
				return k, err
			}
			errs = append(errs, err)
		}
	}
	return Kernel{}, errors.Join(errs...)
}

// maxCandidates bounds how many versions are tried when the newest cannot be had:
// an index may list packages that the pool has dropped.
const maxCandidates = 4

func (f Fetcher) fetchFrom(ctx context.Context, mk matrixKernel, m Mirror, s source) (Kernel, error) {
	name := mk.name
	dir := f.Cache.path(".apt-" + name)
	a, err := newAPT(dir, mk.edition.arch, m, s.suites, f.Log)
	if err != nil {
		return Kernel{}, err
	}
	f.logf("%s: reading the index of %v", name, s.suites)
	updateErr := a.update(ctx)
	index, err := a.index(ctx, mk.edition)
	if err != nil {
		return Kernel{}, errors.Join(updateErr, err)
	}
	found := candidates(index, mk.edition, s)
	if len(found) == 0 {
		return Kernel{}, errors.Join(updateErr, fmt.Errorf("%v offer no such kernel", s.suites))
	}
	var errs []error
	for _, c := range found[:min(len(found), maxCandidates)] {
		k, err := f.install(ctx, a, name, c, s.note)
		if err == nil {
			os.RemoveAll(dir)
			return k, nil
		}
		errs = append(errs, err)
		if ctx.Err() != nil {
			break
		}
	}
	return Kernel{}, errors.Join(errs...)
}

// install downloads a candidate, unpacks it beside the cache entry and renames it.
func (f Fetcher) install(ctx context.Context, a *apt, name string, c candidate, note string) (Kernel, error) {
	if k, err := f.Cache.Cached(name); err == nil && k.Package == c.name() {
		return k, nil // --refresh found nothing newer
	}
	start := time.Now()
	f.logf("%s: downloading %s %s", name, c.release, c.version)
	debs, err := a.download(ctx, c.packages, c.version.String())
	if err != nil {
		return Kernel{}, err
	}
	root, err := a.unpack(ctx, "root", debs)
	if err != nil {
		return Kernel{}, err
	}
	tree := filepath.Join(a.dir, "tree")
	if err := os.RemoveAll(tree); err != nil {
		return Kernel{}, err
	}
	k, err := layOut(ctx, root, tree, c.release)
	if err != nil {
		return Kernel{}, fmt.Errorf("unpack %s: %w", c.release, err)
	}
	if k.Name, k.Note = name, note; a.arch != defaultArch {
		k.Arch = a.arch
	}
	if p, err := platformOf(a.arch); err == nil && !p.native() {
		if err := f.addBusybox(ctx, a, tree, &k); err != nil {
			f.logf("%s: without a shell: %v", name, err)
		}
	}
	k.Package = c.name()
	if err := f.commit(tree, name, k); err != nil {
		return Kernel{}, err
	}
	f.logf("%s: %s is in the cache (%s)", name, c.release, time.Since(start).Round(time.Second/10))
	return f.Cache.Cached(name)
}

// addBusybox fetches a busybox of the kernel's architecture, as the host's is no use.
func (f Fetcher) addBusybox(ctx context.Context, a *apt, tree string, k *Kernel) error {
	debs, err := a.download(ctx, []string{"busybox-static"}, "")
	if err != nil {
		return err
	}
	root, err := a.unpack(ctx, "busybox", debs)
	if err != nil {
		return err
	}
	program := firstExisting(filepath.Join(root, "usr/bin/busybox"), filepath.Join(root, "bin/busybox"))
	if program == "" {
		return errors.New("busybox-static holds no busybox")
	}
	k.Busybox = "busybox"
	return os.Rename(program, filepath.Join(tree, k.Busybox))
}

// commit makes a finished tree the cache's entry.
func (f Fetcher) commit(tree, name string, k Kernel) error {
	data, err := json.MarshalIndent(k, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(tree, kernelFile), append(data, '\n'), 0o644); err != nil {
		return err
	}
	dst, old := f.Cache.kernelDir(name), tree+".old"
	if err := os.Rename(dst, old); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := os.Rename(tree, dst); err != nil {
		return err
	}
	return os.RemoveAll(old)
}

func (f Fetcher) logf(format string, args ...any) {
	if f.Log != nil {
		fmt.Fprintf(f.Log, format+"\n", args...)
	}
}

// layOut turns unpacked packages into the cache's own layout: boot/vmlinuz,
// boot/config and lib/modules/RELEASE with plain, indexed modules.
func layOut(ctx context.Context, root, tree, release string) (Kernel, error) {
	lib := firstExisting(filepath.Join(root, "usr/lib/modules", release), filepath.Join(root, "lib/modules", release))
	image := firstExisting(
		filepath.Join(root, "boot/vmlinuz-"+release), filepath.Join(root, "boot/vmlinuz-"+release+".unsigned"),
		filepath.Join(lib, "vmlinuz"), filepath.Join(lib, "vmlinuz.unsigned"))
	if lib == "" || image == "" {
		return Kernel{}, errors.New("the packages hold no image or no modules")
	}
	k := Kernel{Release: release, Image: "boot/vmlinuz", Modules: filepath.Join("lib/modules", release)}
	if err := os.MkdirAll(filepath.Join(tree, "boot"), 0o755); err != nil {
		return k, err
	}
	if err := os.Rename(image, filepath.Join(tree, k.Image)); err != nil {
		return k, err
	}
	config := firstExisting(filepath.Join(root, "boot/config-"+release), filepath.Join(lib, "config"))
	if config != "" {
		if err := os.Rename(config, filepath.Join(tree, "boot/config")); err != nil {
			return k, err
		}
	}
	return k, installModules(ctx, lib, filepath.Join(tree, k.Modules))
}

// firstExisting returns the first path that exists, or "".
func firstExisting(paths ...string) string {
	for _, p := range paths {
		if _, err := os.Stat(p); err == nil {
			return p
		}
	}
	return ""
}
