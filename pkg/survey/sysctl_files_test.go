// SPDX-License-Identifier: Apache-2.0

package survey

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/synwatch/synwatch/pkg/proc/proctest"
)

// savedTree makes a saved tree of these files. A text "-> X" is a link to X.
func savedTree(t testing.TB, files map[string]string) Tree {
	t.Helper()
	r, err := SavedTree(proctest.Tree(t, files))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func lines(files SysctlFiles) []string {
	var found []string
	for _, a := range files {
		line := fmt.Sprintf("%s:%d %s=%s", a.File, a.Line, a.Key, a.Value)
		if a.ByHand {
			line += " by hand"
		}
		found = append(found, line)
	}
	return found
}

func TestSysctlFilesAreReadInOrder(t *testing.T) {
	files, unread := readSysctlFiles(savedTree(t, map[string]string{
		"etc/sysctl.conf":               "net.a = 9\n",
		"etc/sysctl.d/20-b.conf":        "net.a=2\n",
		"run/sysctl.d/30-c.conf":        "net.a = 3",
		"run/sysctl.d/20-b.conf":        "net.a = masked by /etc",
		"usr/lib/sysctl.d/10-a.conf":    "net.a = 1\n",
		"usr/lib/sysctl.d/30-c.conf":    "net.a = masked by /run",
		"usr/lib/sysctl.d/50-null.conf": "net.a = masked by a link",
		"etc/sysctl.d/50-null.conf":     "-> /dev/null",
		"usr/local/lib/sysctl.d/4.conf": "net.a = 4",
		"lib/sysctl.d/10-a.conf":        "net.a = masked by /usr/lib",
		"etc/sysctl.d/README":           "net.a = no .conf",
	}))
	want := []string{
		"/usr/lib/sysctl.d/10-a.conf:1 net.a=1", "/etc/sysctl.d/20-b.conf:1 net.a=2", "/run/sysctl.d/30-c.conf:1 net.a=3",
		"/usr/local/lib/sysctl.d/4.conf:1 net.a=4", "/etc/sysctl.conf:1 net.a=9 by hand",
	}
	if diff := cmp.Diff(want, lines(files)); diff != "" || unread != nil {
		t.Errorf("unread %v, (-want +got):\n%s", unread, diff)
	}
}

func TestSysctlConfIsReadWhereALinkPutsIt(t *testing.T) {
	for _, link := range []string{"../sysctl.conf", "/etc/sysctl.conf"} {
		files, _ := readSysctlFiles(savedTree(t, map[string]string{
			"etc/sysctl.conf":           "\nnet.a = 1\n",
			"etc/sysctl.d/99-sys.conf":  "-> " + link,
			"etc/sysctl.d/zz-last.conf": "net.a = 2\n",
		}))
		want := []string{"/etc/sysctl.conf:2 net.a=1", "/etc/sysctl.d/zz-last.conf:1 net.a=2"}
		if diff := cmp.Diff(want, lines(files)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", link, diff)
		}
	}
}

func TestNoLinkLeadsOutOfASavedTree(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret.conf")
	if err := os.WriteFile(secret, []byte("net.a = 1"), 0o644); err != nil {
		t.Fatal(err)
	}
	files, _ := readSysctlFiles(savedTree(t, map[string]string{
		"etc/sysctl.d/1.conf": "-> " + secret,
		"etc/sysctl.conf":     "-> ../../../../../../../../.." + secret,
	}))
	if len(files) != 0 {
		t.Errorf("read %v", lines(files))
	}
}

func TestParseSysctlFile(t *testing.T) {
	got := parseSysctlFile("f", `# net.core.somaxconn = 1
#net.core.somaxconn = 2
; net.core.somaxconn = 3
	net.core.somaxconn	=	4096   

-net.ipv4.tcp_rmem = 4096	131072  6291456
net/ipv4/conf/eth0.7/rp_filter=2
net.ipv4.conf.eth0/8.rp_filter=1
net.ipv4.conf.*.rp_filter = 0
-net.ipv4.conf.lo.rp_filter
no assignment
= 5`, false)
	want := []string{
		"f:4 net.core.somaxconn=4096", "f:6 net.ipv4.tcp_rmem=4096 131072 6291456",
		"f:7 net.ipv4.conf.eth0/7.rp_filter=2", "f:8 net.ipv4.conf.eth0/8.rp_filter=1",
		"f:9 net.ipv4.conf.*.rp_filter=0", "f:10 net.ipv4.conf.lo.rp_filter=",
	}
	if diff := cmp.Diff(want, lines(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestSettingPrefersNamesToPatterns(t *testing.T) {
	files := SysctlFiles(parseSysctlFile("f", `net.ipv4.conf.eth0.rp_filter = 1
net.ipv4.conf.*.rp_filter = 2
net.ipv4.conf.e*.rp_filter = 0
-net.ipv4.conf.lo.rp_filter
net.a = 1
net.a = 2`, false))
	for key, want := range map[string]string{
		"net.ipv4.conf.eth0.rp_filter":   "1",
		"net.ipv4.conf.eth1.rp_filter":   "0",
		"net.ipv4.conf.wlan0.rp_filter":  "2",
		"net.ipv4.conf.eth0/7.rp_filter": "0",
		"net.ipv4.conf.lo.rp_filter":     "none",
		"net.ipv4.conf.eth0.x.rp_filter": "none",
		"net.a":                          "2",
		"net.b":                          "none",
	} {
		got := "none"
		if a, ok := files.Setting(key); ok {
			got = a.Value
		}
		if got != want {
			t.Errorf("%s: got %s, want %s", key, got, want)
		}
	}
	if got := lines(files.Naming("net.a")); len(got) != 2 {
		t.Errorf("naming net.a: %v", got)
	}
}

func FuzzParseSysctlFile(f *testing.F) {
	f.Add("net.a = 1\n-net/b/c.d\n")
	f.Fuzz(func(t *testing.T, text string) {
		for _, a := range parseSysctlFile("f", text, false) {
			if a.Key == "" || a.Line < 1 {
				t.Errorf("%+v", a)
			}
		}
	})
}
