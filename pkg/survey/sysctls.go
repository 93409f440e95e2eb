// SPDX-License-Identifier: Apache-2.0

package survey

import "strings"

// sysctlDirsRead are the directories of /proc/sys whose sysctls are read, the
// last part of a path being a name or a pattern. Of the neighbour tables only the
// limits are: whoever reads retrans_time or base_reachable_time of IPv6 makes the
// kernel log that they are deprecated (net/ipv6/ndisc.c:
// ndisc_warn_deprecated_sysctl).
var sysctlDirsRead = []string{
	"net/core/*", "net/ipv4/*", "net/netfilter/*", "net/ipv4/conf/*/rp_filter",
	"net/ipv4/conf/*/forwarding", "net/ipv6/conf/all/forwarding",
	"net/ipv4/neigh/default/gc_thresh1", "net/ipv4/neigh/default/gc_thresh2", "net/ipv4/neigh/default/gc_thresh3",
	"net/ipv6/neigh/default/gc_thresh1", "net/ipv6/neigh/default/gc_thresh2", "net/ipv6/neigh/default/gc_thresh3",
}

// readSysctls reads the sysctls of the reader's namespace, or of a saved tree.
func readSysctls(r Tree) map[string]string {
	values := map[string]string{}
	const sys = "/proc/sys/"
	for _, pattern := range sysctlDirsRead {
		for _, path := range r.expand(sys, pattern) {
			if text, err := r.read(path); err == nil {
				values[SysctlKey(strings.TrimPrefix(path, sys))] = normalValue(text)
			}
		}
	}
	return values
}

// expand lists the paths below a directory that a pattern stands for, in which a
// part that is a star stands for any. A name that is listed is no pattern: an
// interface may be called "*".
func (r Tree) expand(dir, pattern string) []string {
	before, after, ok := strings.Cut(pattern, "*")
	if !ok {
		return []string{dir + pattern}
	}
	var found []string
	for _, name := range r.list(dir + before) {
		found = append(found, r.expand(dir+before+name, after)...)
	}
	return found
}
