// SPDX-License-Identifier: Apache-2.0

package host

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// ErrNoConntrack means that the kernel tracks no connections: its module
// nf_conntrack is not loaded.
var ErrNoConntrack = errors.New("connection tracking is not in use: the kernel's module nf_conntrack is not loaded")

// ConntrackTable is the connection tracking of one network namespace.
type ConntrackTable struct {
	Conntrack
	Netns uint32
	// Name is what people call the namespace, empty for the machine's own.
	Name string
	// Enter is as Space.Enter.
	Enter []string
	// Sysctls are the numbers below net.netfilter, by name.
	Sysctls map[string]uint32
	// Holders is who has the entries, nil unless that was asked for.
	Holders *Holders
}

// VisitConntrack runs fn in a network namespace, 0 for this process's own, on a
// thread that is there, and describes its connection tracking. Nothing is run
// if there is none, which is ErrNoConntrack.
func VisitConntrack(netns uint32, fn func() error) (ConntrackTable, error) {
	var t ConntrackTable
	err := travel(func(r *traveller) error {
		if netns == 0 {
			netns = r.own
		}
		at, err := r.locate(netns)
		if err != nil {
			return err
		}
		if netns != r.own {
			t.Enter, t.Name = at.enter(), nameOf(at)
		}
		t.Netns = netns
		return r.visitPlace(at, netns, func() error { return t.read(fn) })
	})
	return t, err
}

// read is done in the namespace.
func (t *ConntrackTable) read(fn func() error) error {
	level, err := readConntrack(sysctlConntrack)
	if errors.Is(err, fs.ErrNotExist) {
		return ErrNoConntrack
	}
	if err != nil {
		return fmt.Errorf("read how full the conntrack table is: %w", err)
	}
	t.Conntrack = *level
	t.Sysctls = readNumbers(sysctlConntrack)
	return fn()
}

// readNumbers reads the files of a directory that hold one number. Those that
// do not, or may not be read, are left out.
func readNumbers(dir string) map[string]uint32 {
	numbers := map[string]uint32{}
	for _, name := range names(dir) {
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
