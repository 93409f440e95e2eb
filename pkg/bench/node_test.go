// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/synwatch/synwatch/pkg/needs"
	"github.com/synwatch/synwatch/pkg/netns"
	"golang.org/x/sys/unix"
)

func TestNodeHasItsProcessesInItsNamespaces(t *testing.T) {
	needs.Root(t)
	n := &Node{Processes: 5, Namespaces: 2, Lasts: 10 * time.Minute}
	if err := n.Populate(); err != nil {
		t.Fatal(err)
	}
	own, _ := netns.Own()
	in := map[uint32]int{}
	for _, pid := range n.pids {
		inode, err := netns.Resolve(fmt.Sprint(pid))
		if err != nil {
			t.Fatal(err)
		}
		in[inode]++
	}
	if len(n.pids) != 5 || len(in) != 2 || in[own] != 0 {
		t.Errorf("%d processes, by namespace %v", len(n.pids), in)
	}
	pid := n.pids[0]
	if err := n.Close(); err != nil {
		t.Error(err)
	}
	if err := unix.Kill(pid, 0); err != unix.ESRCH {
		t.Errorf("process %d is still there: %v", pid, err)
	}
}

func TestIdleLine(t *testing.T) {
	i := &Idle{Processes: 3000, Namespaces: 200, Attached: 0.25, CPU: 0.005, Memory: 40e6}
	const quiet = "3000 processes, 200 namespaces: attached in 0.25 s, 0.50 % of a core, 40.0 MB"
	if got := i.String(); got != quiet {
		t.Errorf("got %q", got)
	}
	i.Busy, i.Late, i.Nameless = 0.04, []float64{0.01, 0.05, 0.3}, 1
	if got, ok := strings.CutPrefix(i.String(), quiet); !ok ||
		got != "; with new namespaces 4.00 % of a core, records 0.050 s late (median), 0.300 s at most, 1 of 3 nameless" {
		t.Errorf("got %q", got)
	}
}
