// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Kernel is one bootable kernel.
type Kernel struct {
	// Name is the matrix name ("6.12") or, for a user's own, the image's file name.
	Name string `json:"name"`
	// Release is what uname -r is expected to say; empty when not known before the boot.
	Release string `json:"release,omitempty"`
	// Arch is the architecture, as Go names it; empty for amd64.
	Arch string `json:"arch,omitempty"`
	// Image is the path of the bzImage or, on other architectures, of the Image.
	Image string `json:"image"`
	// Modules is the lib/modules/RELEASE directory; empty when there are no modules.
	Modules string `json:"modules,omitempty"`
	// Busybox is the path of a static busybox for a foreign architecture, if any.
	Busybox string `json:"busybox,omitempty"`
	// Package is the Debian package and version it came from, if any.
	Package string `json:"package,omitempty"`
	// Note says what is unusual about the choice, in one line.
	Note string `json:"note,omitempty"`
}

// Architecture names the kernel's architecture as Go does.
func (k Kernel) Architecture() string {
	if k.Arch == "" {
		return defaultArch
	}
	return k.Arch
}

// ErrNotFetched says that a matrix kernel is not in the cache yet.
var ErrNotFetched = errors.New("kernel is not in the cache")

// kernelFile describes a cached kernel, with paths relative to its directory.
const kernelFile = "kernel.json"

// Cached returns the matrix kernel of that name from the cache, or ErrNotFetched.
func (c Cache) Cached(name string) (Kernel, error) {
	dir := c.kernelDir(name)
	data, err := os.ReadFile(filepath.Join(dir, kernelFile))
	if errors.Is(err, os.ErrNotExist) {
		return Kernel{}, fmt.Errorf("%s: %w", name, ErrNotFetched)
	}
	if err != nil {
		return Kernel{}, fmt.Errorf("read cached kernel: %w", err)
	}
	var k Kernel
	if err := json.Unmarshal(data, &k); err != nil {
		return Kernel{}, fmt.Errorf("read cached kernel %s: %w", name, err)
	}
	k.Image = filepath.Join(dir, k.Image)
	for _, path := range []*string{&k.Modules, &k.Busybox} {
		if *path != "" {
			*path = filepath.Join(dir, *path)
		}
	}
	return k, nil
}

// IsKnownName says whether name is one of the kernels that Fetch knows.
func IsKnownName(name string) bool { return slices.Contains(KnownNames(), name) }

// OwnKernel describes a kernel image on this machine. An empty modules directory
// means: guess one next to the image, or none.
func OwnKernel(image, modules string) (Kernel, error) {
	st, err := os.Stat(image)
	if err != nil {
		return Kernel{}, fmt.Errorf("kernel: %w (or one of %s)", err, strings.Join(KnownNames(), ", "))
	}
	if st.IsDir() {
		return Kernel{}, fmt.Errorf("kernel %s is a directory: give the path of the vmlinuz", image)
	}
	release := imageRelease(image)
	if modules == "" {
		modules = guessModules(image, release)
	} else if _, err := os.Stat(modules); err != nil {
		return Kernel{}, fmt.Errorf("modules: %w", err)
	}
	return Kernel{Name: filepath.Base(image), Release: release, Image: image, Modules: modules}, nil
}

var versionString = regexp.MustCompile(`^[0-9]+\.[0-9]+[^ ]*`)

// imageRelease reads uname -r out of a bzImage: the boot header holds, at 0x20e,
// the offset of the version string less 0x200 (Documentation/arch/x86/boot.rst).
func imageRelease(image string) string {
	f, err := os.Open(image)
	if err != nil {
		return ""
	}
	defer f.Close()
	var head [0x210]byte
	if _, err := f.ReadAt(head[:], 0); err != nil || string(head[0x202:0x206]) != "HdrS" {
		return ""
	}
	text := make([]byte, 256)
	n, _ := f.ReadAt(text, 0x200+int64(head[0x20e])+int64(head[0x20f])<<8)
	return versionString.FindString(string(text[:n]))
}

// guessModules looks for lib/modules/RELEASE in the places where an image of a
// distribution, of make modules_install or of an unpacked package has it.
func guessModules(image, release string) string {
	if release == "" {
		return ""
	}
	dir := filepath.Dir(image)
	if filepath.Base(dir) == release {
		return dir
	}
	for _, root := range []string{dir, filepath.Dir(dir), "/"} {
		for _, lib := range []string{"lib/modules", "usr/lib/modules"} {
			path := filepath.Join(root, lib, release)
			if st, err := os.Stat(path); err == nil && st.IsDir() {
				return path
			}
		}
	}
	return ""
}
