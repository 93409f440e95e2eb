// SPDX-License-Identifier: Apache-2.0

// Package nstat reads the kernel's network counters: those that nstat, conntrack -S
// and lnstat show, softnet_stat, and what netstat -s printed of them.
package nstat

import (
	"errors"
	"fmt"
	"io/fs"
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
	// heads are what the names of its counters begin with.
	heads []string
	// mayLack says that the file comes with a module.
	mayLack bool
	parse   func(text string, into *selection) error
}{
	{path: "net/netstat", heads: []string{"TcpExt", "IpExt", "MPTcpExt"}, parse: parsePairs},
	{path: "net/snmp", heads: []string{"Ip", "Icmp", "Tcp", "Udp"}, parse: parsePairs},
	{path: "net/snmp6", heads: []string{"Ip6", "Icmp6", "Udp6", "UdpLite6"}, parse: parseList, mayLack: true},
	{path: conntrackFile, heads: []string{conntrackHead}, parse: parsePerCPU(conntrackHead), mayLack: true},
}

const (
	conntrackFile = "net/stat/nf_conntrack"
	conntrackHead = "Conntrack"
)

// selection is the counters that are wanted, with their values as far as they
// were read.
type selection struct {
	names  map[string]bool // nil for all
	values Values
	// missing are the files of wanted counters that were not there.
	missing []string
}

// set enters a value if it is wanted.
func (s *selection) set(head, name string, value uint64) {
	if s.names == nil || s.names[head+name] {
		s.values[head+name] = value
	}
}

// add adds to a value if it is wanted.
func (s *selection) add(head, name string, value uint64) {
	s.set(head, name, s.values[head+name]+value)
}

// wantsOf says whether a counter may be wanted whose name begins with one of these.
func (s *selection) wantsOf(heads []string) bool {
	for name := range s.names {
		for _, head := range heads {
			if strings.HasPrefix(name, head) {
				return true
			}
		}
	}
	return s.names == nil
}

// readCounters reads the counters that are wanted, of the files below a
// directory.
func readCounters(read func(path string) (string, error), dir string, wanted *selection) error {
	for _, f := range counterFiles {
		if !wanted.wantsOf(f.heads) {
			continue
		}
		text, err := read(dir + "/" + f.path)
		if f.mayLack && errors.Is(err, fs.ErrNotExist) {
			wanted.missing = append(wanted.missing, f.path)
			continue
		}
		if err != nil {
			return err
		}
		if err := f.parse(text, wanted); err != nil {
			return fmt.Errorf("%s: %w", f.path, err)
		}
	}
	return nil
}

// ReadSaved reads every counter of a copy of these files, as far as it has them and
// they can be understood. It returns what was wrong with the others.
func ReadSaved(read func(path string) (string, error), dir string) (Values, []error) {
	all := selection{values: Values{}}
	var wrong []error
	for _, f := range counterFiles {
		text, err := read(dir + "/" + f.path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = f.parse(text, &all)
		}
		if err != nil {
			wrong = append(wrong, fmt.Errorf("%s/%s: %w", dir, f.path, err))
		}
	}
	return all.values, wrong
}

// parsePairs reads lines in pairs, of names and of values, that begin with the
// same word and a colon. There is one blank before each name and value
// (net/ipv4/proc.c:netstat_seq_show).
func parsePairs(text string, into *selection) error {
	for line := 2; text != ""; line += 2 {
		names, rest, paired := strings.Cut(text, "\n")
		if !paired {
			return nil
		}
		values, rest, _ := strings.Cut(rest, "\n")
		text = rest
		head, names, _ := strings.Cut(strings.TrimSpace(names), " ")
		again, values, _ := strings.Cut(strings.TrimSpace(values), " ")
		if head == "" || head != again || strings.Count(names, " ") != strings.Count(values, " ") {
			return fmt.Errorf("line %d does not go with the one before", line)
		}
		into.setPair(strings.TrimSuffix(head, ":"), names, values)
	}
	return nil
}

// setPair enters as many values as there are names.
func (s *selection) setPair(head, names, values string) {
	for names != "" {
		var name, value string
		name, names, _ = strings.Cut(names, " ")
		value, values, _ = strings.Cut(values, " ")
		// A limit may be -1: tcpRtoMax and the like are no counters.
		if v, err := strconv.ParseUint(value, 10, 64); err == nil {
			s.set(head, name, v)
		}
	}
}

// parseList reads lines of a name and a value.
func parseList(text string, into *selection) error {
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) != 2 {
			return fmt.Errorf("%q is no name and value", line)
		}
		v, err := strconv.ParseUint(fields[1], 10, 64)
		if err != nil {
			return fmt.Errorf("value of %s: %w", fields[0], err)
		}
		into.set("", fields[0], v)
	}
	return nil
}

// parsePerCPU reads a line of names and a line of hexadecimal values a CPU, and
// adds those up.
func parsePerCPU(head string) func(string, *selection) error {
	return func(text string, into *selection) error {
		first, rows, _ := strings.Cut(text, "\n")
		names := strings.Fields(first)
		for line := range strings.Lines(rows) {
			values := strings.Fields(line)
			// A name without a value is no reason to know nothing.
			for i, name := range names[:min(len(names), len(values))] {
				v, err := strconv.ParseUint(values[i], 16, 64)
				if err != nil {
					return fmt.Errorf("value of %s: %w", name, err)
				}
				into.add(head, name, v)
			}
		}
		return nil
	}
}
