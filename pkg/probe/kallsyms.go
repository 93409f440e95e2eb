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
	// variants are the symbols that the compiler made of names asked for.
	variants map[string][]string
	// perCPUOffset is the address of __per_cpu_offset[], 0 where it is hidden.
	perCPUOffset uint64
	// functions are the addresses of those asked for that exist, 0 where they are hidden.
	functions map[string]uint64
	// stateProcess is where tcp_rcv_state_process is, zero where that is hidden.
	stateProcess extent
	// finishCore is where ip_rcv_finish_core is, likewise.
	finishCore extent
}

// extent is from where to where a function reaches.
type extent struct{ start, end uint64 }

// add extends what is not complete by the next symbol, of which addresses ascend.
func (e *extent) add(function string, name []byte, addr uint64) {
	switch {
	case string(name) == function:
		*e = extent{start: addr}
	case e.start != 0 && e.end == 0 && addr > e.start:
		e.end = addr
	}
}

// withoutSuffix drops .isra.0 and .constprop.0 from a symbol, which the compiler appends
// to a function with other arguments, but not what says that it is a part of one.
func withoutSuffix(symbol []byte) []byte {
	name, suffix, _ := bytes.Cut(symbol, []byte{'.'})
	if bytes.Contains(suffix, []byte("cold")) || bytes.Contains(suffix, []byte("part")) {
		return symbol
	}
	return name
}

// findSymbols looks for the hooks' functions.
func findSymbols() (symbols, error) {
	s := symbols{functions: map[string]uint64{}}
	wanted := map[string]bool{}
	for _, h := range hooks {
		wanted[h.name], wanted[h.alias] = true, true
	}
	err := scanKallsyms(func(addr uint64, kind byte, name []byte) {
		s.noteVariant(name, wanted)
		if string(name) == "__per_cpu_offset" {
			s.perCPUOffset = addr
		}
		s.stateProcess.add("tcp_rcv_state_process", name, addr)
		s.finishCore.add("ip_rcv_finish_core", withoutSuffix(name), addr)
		if (kind == 't' || kind == 'T') && wanted[string(name)] {
			s.functions[string(name)] = addr
		}
	})
	return s, err
}

// noteVariant notes a symbol that is a name asked for with something appended by the
// compiler, unless that is where it put a function's unlikely parts.
func (s *symbols) noteVariant(symbol []byte, wanted map[string]bool) {
	function, suffix, ok := bytes.Cut(symbol, []byte{'.'})
	if !ok || !wanted[string(function)] || bytes.HasSuffix(suffix, []byte("cold")) {
		return
	}
	if s.variants == nil {
		s.variants = map[string][]string{}
	}
	s.variants[string(function)] = append(s.variants[string(function)], string(symbol))
}

// promoted begins what clang appends to a static function's name where link-time
// optimisation needs it in several units. The function stays as it was written.
const promoted = ".llvm."

// whole returns the only symbol under which the compiler keeps the function as it was
// written, empty if there is none.
func (s *symbols) whole(function string) string {
	if v := s.variants[function]; len(v) == 1 && strings.HasPrefix(v[0], function+promoted) {
		return v[0]
	}
	return ""
}
