// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"strconv"
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
	// functions says which of the functions asked for exist.
	functions map[string]bool
}

// findSymbols looks for the hooks' functions.
func findSymbols() (symbols, error) {
	s := symbols{functions: map[string]bool{}}
	wanted := map[string]bool{}
	for _, h := range hooks {
		wanted[h.name], wanted[h.alias] = true, true
	}
	err := scanKallsyms(func(addr uint64, kind byte, name []byte) {
		if string(name) == "__per_cpu_offset" {
			s.perCPUOffset = addr
		}
		if (kind == 't' || kind == 'T') && wanted[string(name)] {
			s.functions[string(name)] = true
		}
	})
	return s, err
}
