// SPDX-License-Identifier: Apache-2.0

package host

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

const sysctlConntrack = procDir + "/sys/net/netfilter"

// Conntrack is how full the connection tracking table of a network namespace is.
type Conntrack struct {
	Count, Max uint32 // entries
	Buckets    uint32 // of the hash table, which all namespaces share
}

// readConntrack reads the table of the calling thread's namespace: what
// /proc/sys/net shows is the reader's own.
func readConntrack(sysctls string) (*Conntrack, error) {
	var c Conntrack
	for name, to := range map[string]*uint32{
		"nf_conntrack_count": &c.Count, "nf_conntrack_max": &c.Max, "nf_conntrack_buckets": &c.Buckets,
	} {
		text, err := os.ReadFile(filepath.Join(sysctls, name))
		if err != nil {
			return nil, err
		}
		n, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 32)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		*to = uint32(n)
	}
	return &c, nil
}
