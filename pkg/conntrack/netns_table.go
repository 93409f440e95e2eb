// SPDX-License-Identifier: Apache-2.0

package conntrack

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/synwatch/synwatch/pkg/proc"
)

// ErrNotLoaded means that the kernel tracks no connections: its module
// nf_conntrack is not loaded.
var ErrNotLoaded = errors.New("connection tracking is not in use: the kernel's module nf_conntrack is not loaded")

// NetnsTable is the connection tracking of one network namespace.
type NetnsTable struct {
	Usage
	Netns uint32 // its inode number
	// Name is the name of the namespace, empty for the machine's own.
	Name string
	// Enter is the beginning of a command line that runs the rest of it in the
	// namespace, argument by argument; nil for this process's own.
	Enter []string
	// Sysctls are the numbers below net.netfilter, by name.
	Sysctls map[string]uint32
	// Holders is who has the entries, nil unless that was asked for.
	Holders *Summary
}

// InNetns runs fn in a network namespace, the process's own for the inode number
// 0, on a thread that is there, and describes its connection tracking. Nothing is
// run if there is none, which is ErrNotLoaded.
func InNetns(id netns.ID, fn func(*NetnsTable) error) (NetnsTable, error) {
	var t NetnsTable
	err := netns.Do(id, func(at netns.Location, id netns.ID) error {
		t.Netns, t.Enter, t.Name = id.Inode, at.EnterCommand(), at.Name()
		return t.read(fn)
	})
	return t, err
}

// read is done in the namespace.
func (t *NetnsTable) read(fn func(*NetnsTable) error) error {
	usage, err := ReadUsage()
	if errors.Is(err, fs.ErrNotExist) {
		return ErrNotLoaded
	}
	if err != nil {
		return fmt.Errorf("read how full the conntrack table is: %w", err)
	}
	t.Usage = *usage
	t.Sysctls = readNumbers(sysctlDir)
	return fn(t)
}

// Sysctl is a number below net.netfilter, by its name.
func (t *NetnsTable) Sysctl(name string) (uint32, error) {
	n, ok := t.Sysctls[name]
	if !ok {
		return 0, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
	}
	return n, nil
}

// readNumbers reads the files of a directory that hold one number. Those that
// do not, or may not be read, are left out.
func readNumbers(dir string) map[string]uint32 {
	numbers := map[string]uint32{}
	for _, name := range proc.List(dir) {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			continue
		}
		if n, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 32); err == nil {
			numbers[name] = uint32(n)
		}
	}
	return numbers
}
