// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"strconv"
	"strings"
)

// scanKallsyms calls f for each line of /proc/kallsyms: address, name and the
// letter of its type. The file is read anew each time, as modules come and go,
// and never kept: it holds some ten megabytes.
func scanKallsyms(f func(addr uint64, kind byte, name []byte)) error {
	file, err := os.Open("/proc/kallsyms")
	if err != nil {
		return err
	}
	defer file.Close()
	return readKallsyms(file, f)
}

// readKallsyms reads lines of the form "ffffffff81000000 T _text\t[module]".
func readKallsyms(r io.Reader, f func(addr uint64, kind byte, name []byte)) error {
	lines := bufio.NewReaderSize(r, 1<<16)
	for {
		line, err := lines.ReadSlice('\n')
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		hex, rest, ok := bytes.Cut(line, []byte{' '})
		if !ok || len(rest) < 3 {
			continue
		}
		addr, err := strconv.ParseUint(string(hex), 16, 64)
		if err != nil {
			return err
		}
		name := bytes.TrimSuffix(rest[2:], []byte{'\n'})
		name, _, _ = bytes.Cut(name, []byte{'\t'})
		f(addr, rest[0], name)
	}
}

// symbols holds what is asked of /proc/kallsyms.
type symbols struct {
	// perCPUOffset is the address of __per_cpu_offset[], 0 where it is hidden.
	perCPUOffset uint64
	// functions are the addresses of those asked for that exist, 0 where they are hidden.
	functions map[string]uint64
	// stateProcess is where tcp_rcv_state_process is, zero where that is hidden.
	stateProcess extent
}

// extent is from where to where a function reaches.
type extent struct{ start, end uint64 }

// add extends what is not complete by the next symbol, of which addresses ascend.
func (e *extent) add(function, name string, addr uint64) {
	switch {
	case name == function:
		*e = extent{start: addr}
	case e.start != 0 && e.end == 0 && addr > e.start:
		e.end = addr
	}
}

// findSymbols looks for the hooks' functions.
func findSymbols() (symbols, error) {
	s := symbols{functions: map[string]uint64{}}
	wanted := map[string]bool{}
	for _, h := range hooks {
		wanted[h.name], wanted[h.alias] = true, true
	}
	err := scanKallsyms(func(addr uint64, kind byte, name []byte) {
		if string(name) == "__per_cpu_offset" {
			s.perCPUOffset = addr
		}
		s.stateProcess.add("tcp_rcv_state_process", string(name), addr)
		if (kind == 't' || kind == 'T') && wanted[string(name)] {
			s.functions[string(name)] = addr
		}
	})
	return s, err
}

// locator turns return addresses into the functions that they lie in. There are
// few: a call of kfree_skb each.
type locator map[uint64]string

// learn looks up the locations that are not known yet, all in one pass. Where
// the symbols cannot be read, they stay without a name.
func (l locator) learn(keys []bpfKey) {
	var addrs []uint64
	for i := range keys {
		if _, known := l[keys[i].Location]; !known {
			addrs = append(addrs, keys[i].Location)
		}
	}
	if len(addrs) > 0 {
		_ = l.learnFrom(addrs, scanKallsyms)
	}
}

func (l locator) learnFrom(addrs []uint64, scan func(func(uint64, byte, []byte)) error) error {
	nearest := map[uint64]*symbol{}
	for _, a := range addrs {
		if _, known := l[a]; a != 0 && !known {
			nearest[a] = &symbol{}
			l[a] = ""
		}
	}
	if len(nearest) == 0 {
		return nil
	}
	err := scan(func(addr uint64, kind byte, name []byte) {
		if kind != 't' && kind != 'T' {
			return
		}
		for a, best := range nearest {
			// The address is behind the call, which may end its function.
			if addr < a && addr > best.addr {
				best.addr, best.name = addr, append(best.name[:0], name...)
			}
		}
	})
	for a, best := range nearest {
		l[a] = functionName(string(best.name))
	}
	return err
}

type symbol struct {
	addr uint64
	name []byte
}

// functionName drops what the compiler appended: .isra.0, .cold, .part.1.
func functionName(symbol string) string {
	name, _, _ := strings.Cut(symbol, ".")
	return name
}
