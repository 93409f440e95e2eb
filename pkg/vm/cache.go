// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Cache is the directory that keeps fetched kernels and what was found out about
// this host.
type Cache string

// DefaultCache is synwatch/kernels in the user's cache directory.
func DefaultCache() (Cache, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find the cache: %w (give --cache)", err)
	}
	return Cache(filepath.Join(dir, "synwatch", "kernels")), nil
}

func (c Cache) path(name string) string      { return filepath.Join(string(c), name) }
func (c Cache) kernelDir(name string) string { return c.path(name) }

// lock takes an exclusive lock of that name; it is dropped by the function returned
// or with the process.
func (c Cache) lock(name string) (unlock func(), err error) {
	if err := os.MkdirAll(string(c), 0o755); err != nil {
		return nil, fmt.Errorf("make the cache: %w", err)
	}
	f, err := os.OpenFile(c.path(".lock-"+name), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("lock the cache: %w", err)
	}
	for {
		err = unix.Flock(int(f.Fd()), unix.LOCK_EX)
		if err != unix.EINTR {
			break
		}
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("lock the cache: %w", err)
	}
	return func() { f.Close() }, nil
}
