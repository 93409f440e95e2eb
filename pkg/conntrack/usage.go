// SPDX-License-Identifier: Apache-2.0

package conntrack

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// sysctlDir shows the reader's own network namespace.
const sysctlDir = "/proc/sys/net/netfilter"

// Usage is how full the connection tracking table of a network namespace is.
type Usage struct {
	Count, Max uint32 // entries
	Buckets    uint32 // of the hash table, which all namespaces share
}

// ReadUsage reads the table of the calling thread's namespace.
func ReadUsage() (*Usage, error) { return readUsage(sysctlDir) }

func readUsage(dir string) (*Usage, error) {
	var u Usage
	for name, to := range map[string]*uint32{
		"nf_conntrack_count": &u.Count, "nf_conntrack_max": &u.Max, "nf_conntrack_buckets": &u.Buckets,
	} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return nil, err
		}
		n, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 32)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		*to = uint32(n)
	}
	return &u, nil
}
