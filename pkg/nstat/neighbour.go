// SPDX-License-Identifier: Apache-2.0

package nstat

import (
	"strconv"
	"strings"
)

// neighbourFiles have the counters of the tables of neighbours, named as lnstat
// names them behind the word Neighbour or Neighbour6. All namespaces share the
// tables.
var neighbourFiles = []struct{ path, prefix string }{
	{"net/stat/arp_cache", "Neighbour"}, {"net/stat/ndisc_cache", "Neighbour6"},
}

// AddNeighbours adds the counters of the neighbour tables, as far as they can be
// read below a directory.
func (v Values) AddNeighbours(read func(path string) (string, error), dir string) {
	for _, f := range neighbourFiles {
		if text, err := read(dir + "/" + f.path); err == nil {
			_ = parsePerCPU(f.prefix)(text, &selection{values: v}) // as far as it could be read
			v[f.prefix+"entries"] = firstHex(text)
		}
	}
}

// firstHex is the first number of the second line. Unlike the counters beside it
// the number of entries is not a CPU's own.
func firstHex(text string) uint64 {
	_, rows, _ := strings.Cut(text, "\n")
	first, _, _ := strings.Cut(strings.TrimSpace(rows), " ")
	n, _ := strconv.ParseUint(first, 16, 64)
	return n
}
