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

// Values are the values of kernel counters by name. A counter that the kernel
// does not have, or not yet as its module is not loaded, is missing.
type Values map[string]uint64

// counterFiles are where a namespace's counters are, below a thread's directory
// in /proc. Counters are named as nstat names them: the word at the head of
// their line and their own, without a blank. Connection tracking's are named as
// conntrack -S does, behind the word Conntrack.
var counterFiles = []struct {
	path string
	// mayLack says that the file comes with a module.
	mayLack bool
	parse   func(text string, into Values) error
}{
	{path: "net/netstat", parse: parsePairs},
	{path: "net/snmp", parse: parsePairs},
	{path: "net/snmp6", parse: parseList, mayLack: true},
	{path: "net/stat/nf_conntrack", parse: parsePerCPU("Conntrack"), mayLack: true},
}

// neighbourFiles have the counters of the tables of neighbours, named as lnstat
// names them behind the word Neighbour or Neighbour6. All namespaces share the
// tables.
var neighbourFiles = []struct{ path, prefix string }{
	{"net/stat/arp_cache", "Neighbour"}, {"net/stat/ndisc_cache", "Neighbour6"},
}

// readThread reads the counters of the network namespace that the calling
// thread is in. The goroutine must be locked to the thread.
func readThread(names []string) (Values, error) {
	dir, err := threadDir()
	if err != nil {
		return nil, err
	}
	return readCounters(dir, names)
}

// threadDir is the calling thread's directory in /proc. The link has the
// numbers of the PID namespace that /proc was mounted in.
func threadDir() (string, error) {
	self, err := os.Readlink(procDir + "/thread-self")
	return filepath.Join(procDir, self), err
}

func readCounters(thread string, names []string) (Values, error) {
	all, err := readAllCounters(readProc, thread)
	if err != nil {
		return nil, err
	}
	values := Values{}
	for _, name := range names {
		if v, ok := all[name]; ok {
			values[name] = v
		}
	}
	return values, nil
}

// readAllCounters reads every counter of the files below a directory.
func readAllCounters(read func(path string) (string, error), dir string) (Values, error) {
	all := Values{}
	for _, f := range counterFiles {
		text, err := read(filepath.Join(dir, f.path))
		if f.mayLack && errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return all, err
		}
		if err := f.parse(text, all); err != nil {
			return all, fmt.Errorf("%s: %w", f.path, err)
		}
	}
	return all, nil
}

// parsePairs reads lines in pairs, of names and of values, that begin with the
// same word and a colon.
func parsePairs(text string, into Values) error {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	for i := 0; i+1 < len(lines); i += 2 {
		names, values := strings.Fields(lines[i]), strings.Fields(lines[i+1])
		if len(names) != len(values) || len(names) == 0 || names[0] != values[0] {
			return fmt.Errorf("line %d does not go with the one before", i+2)
		}
		prefix := strings.TrimSuffix(names[0], ":")
		for n := 1; n < len(names); n++ {
			// A limit may be -1: tcpRtoMax and the like are no counters.
			if v, err := strconv.ParseUint(values[n], 10, 64); err == nil {
				into[prefix+names[n]] = v
			}
		}
	}
	return nil
}

// parseList reads lines of a name and a value.
func parseList(text string, into Values) error {
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) != 2 {
			return fmt.Errorf("%q is no name and value", line)
		}
		v, err := strconv.ParseUint(fields[1], 10, 64)
		if err != nil {
			return fmt.Errorf("value of %s: %w", fields[0], err)
		}
		into[fields[0]] = v
	}
	return nil
}

// parsePerCPU reads a line of names and a line of hexadecimal values a CPU, and
// adds those up.
func parsePerCPU(prefix string) func(string, Values) error {
	return func(text string, into Values) error {
		head, rows, _ := strings.Cut(text, "\n")
		names := strings.Fields(head)
		for line := range strings.Lines(rows) {
			values := strings.Fields(line)
			// A name without a value is no reason to know nothing.
			for i, name := range names[:min(len(names), len(values))] {
				v, err := strconv.ParseUint(values[i], 16, 64)
				if err != nil {
					return fmt.Errorf("value of %s: %w", name, err)
				}
				into[prefix+name] += v
			}
		}
		return nil
	}
}
