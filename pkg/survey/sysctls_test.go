// SPDX-License-Identifier: Apache-2.0

package survey

import "testing"

// What is read of a running machine must not make its kernel write to the log.
func TestDeprecatedSysctlsAreNotRead(t *testing.T) {
	tree := savedTree(t, map[string]string{
		"proc/sys/net/ipv6/neigh/default/gc_thresh3":          "1024\n",
		"proc/sys/net/ipv6/neigh/default/retrans_time":        "1000\n",
		"proc/sys/net/ipv6/neigh/default/base_reachable_time": "30\n",
		"proc/sys/net/ipv4/neigh/default/gc_thresh1":          "128\n",
	})
	got := readSysctls(tree)
	if got["net.ipv6.neigh.default.gc_thresh3"] != "1024" || got["net.ipv4.neigh.default.gc_thresh1"] != "128" || len(got) != 2 {
		t.Errorf("%v", got)
	}
}
