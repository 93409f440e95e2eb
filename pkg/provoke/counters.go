// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// counters reads the Reconciled counters, and all others of the same files, in
// the server's namespace.
func (l *Lab) counters() (all map[string]uint64, err error) {
	all = map[string]uint64{}
	err = l.ServerDo(func() error {
		for _, name := range []string{"snmp", "netstat"} {
			if err := readPairs("/proc/thread-self/net/"+name, all); err != nil {
				return err
			}
		}
		err := readConntrack(all)
		if errors.Is(err, os.ErrNotExist) {
			return nil // the module is not loaded
		}
		return err
	})
	return all, err
}

// newerCounter expects n of a counter, or of another where the kernel does not
// have it yet.
func (b *bench) newerCounter(name, older string, n int) map[string]uint64 {
	if !b.counts(name) {
		name = older
	}
	return map[string]uint64{name: uint64(n)}
}

// ifCounted expects n of a counter that not every kernel has.
func (b *bench) ifCounted(name string, n int) map[string]uint64 {
	if !b.counts(name) {
		return nil
	}
	return map[string]uint64{name: uint64(n)}
}

// counts says whether the kernel has a counter.
func (b *bench) counts(name string) bool {
	all, err := b.counters()
	b.fail(err)
	_, ok := all[name]
	return ok
}

// counter is the value of a counter now.
func (b *bench) counter(name string) uint64 {
	all, err := b.counters()
	b.fail(err)
	return all[name]
}

// readPairs reads a file of line pairs: "Tcp: RtoAlgorithm …" and "Tcp: 1 …".
func readPairs(path string, into map[string]uint64) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	for i := 0; i+1 < len(lines); i += 2 {
		names, values := strings.Fields(lines[i]), strings.Fields(lines[i+1])
		if len(names) != len(values) || names[0] != values[0] {
			return fmt.Errorf("read %s: lines %d and %d do not match", path, i+1, i+2)
		}
		for f, name := range names[1:] {
			// Some are signed (MaxConn is -1): those are none of ours.
			if v, err := strconv.ParseUint(values[f+1], 10, 64); err == nil {
				into[strings.TrimSuffix(names[0], ":")+name] = v
			}
		}
	}
	return nil
}

// readConntrack sums the lines of the CPUs; numbers are hexadecimal.
func readConntrack(into map[string]uint64) error {
	const path = "/proc/thread-self/net/stat/nf_conntrack"
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	names := strings.Fields(lines[0])
	for _, line := range lines[1:] {
		for f, value := range strings.Fields(line) {
			v, err := strconv.ParseUint(value, 16, 64)
			if err != nil || f >= len(names) {
				return fmt.Errorf("read %s: %q", path, line)
			}
			into["Conntrack"+names[f]] += v
		}
	}
	return nil
}
