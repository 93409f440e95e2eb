// SPDX-License-Identifier: Apache-2.0

package sockets

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// holder makes a process that has socket 7 open, of so many threads, which waits in a
// function of the kernel's.
func holder(t *testing.T, dir string, pid, threads int, wchan string) {
	t.Helper()
	at := filepath.Join(dir, fmt.Sprint(pid))
	stat := fmt.Sprintf("%d (nginx) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 %d 0 %d %s\n", pid, threads, 1000+pid, strings.Repeat("0 ", 30))
	if err := os.MkdirAll(filepath.Join(at, "fd"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"comm": "nginx\n", "stat": stat, "wchan": wchan} {
		if err := os.WriteFile(filepath.Join(at, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("socket:[7]", filepath.Join(at, "fd", "3")); err != nil {
		t.Fatal(err)
	}
}

// Who made a socket and waits for its children accepts nothing.
func TestOwnerIsWhoAccepts(t *testing.T) {
	for name, test := range map[string]struct {
		threads int
		wchan   string
		alone   bool
		want    int
	}{
		"a master that waits for signals":     {1, "sigsuspend", false, 11},
		"a master that waits for children":    {1, "do_wait", false, 11},
		"a parent that accepts":               {1, "inet_csk_accept", false, 10},
		"a parent that has threads":           {4, "__x64_sys_rt_sigsuspend", false, 10},
		"what it waits in cannot be read":     {1, "0", false, 10},
		"a master whose workers are all gone": {1, "sigsuspend", true, 10},
	} {
		dir := t.TempDir()
		holder(t, dir, 10, test.threads, test.wchan)
		if !test.alone {
			holder(t, dir, 11, 1, "ep_poll")
			holder(t, dir, 12, 1, "ep_poll")
		}
		owners := FindOwners(dir, map[uint64]bool{7: true})
		got, others := owners.Of([]Socket{{Inode: 7}})
		if got.PID != test.want || (others == 0) != test.alone {
			t.Errorf("%s: %+v and %d others", name, got, others)
		}
	}
}
