// SPDX-License-Identifier: Apache-2.0

package survey

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParseProcFiles(t *testing.T) {
	if n := parseMemTotal("MemTotal:       16303428 kB\nMemFree: 1 kB\n"); n != 16303428<<10 {
		t.Errorf("memory %d", n)
	}
	if d := parseUptime("12.50 8.00\n"); d != 12500*time.Millisecond {
		t.Errorf("uptime %v", d)
	}
	sysctls := parseSysctlList("net.core.somaxconn = 128\nnet.ipv4.tcp_rmem = 4096\t87380\t6291456\nsysctl: permission denied on key 'x' = y\n")
	if diff := cmp.Diff(map[string]string{"net.core.somaxconn": "128", "net.ipv4.tcp_rmem": "4096 87380 6291456"}, sysctls); diff != "" {
		t.Errorf("sysctl -a (-want +got):\n%s", diff)
	}
}
