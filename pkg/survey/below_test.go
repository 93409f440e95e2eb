// SPDX-License-Identifier: Apache-2.0

package survey

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/synwatch/synwatch/pkg/proc/proctest"
)

// People name the directory in which they unpacked a report.
func TestOpenSavedFindsTheReportBelow(t *testing.T) {
	const uptime = "sos_commands/host/uptime"
	for name, test := range map[string]struct {
		files map[string]string
		tree  string
		err   string
	}{
		"the report":      {map[string]string{"etc/sysctl.conf": "net.a = 1\n", "below/sos_commands/host/uptime": ""}, "", ""},
		"one below":       {map[string]string{"sosreport-web1/etc/sysctl.conf": "net.a = 1\n", "notes/todo.txt": "call them\n", "sosreport-web1.tar.xz.md5": "0\n"}, "sosreport-web1", ""},
		"two below":       {map[string]string{"a/" + uptime: "", "b/proc/net/tcp": ""}, "", "holds several saved trees: a, b"},
		"an empty one":    {map[string]string{"a/sos_commands/README": ""}, "", "holds none of the files"},
		"two below that":  {map[string]string{"x/sosreport-web1/etc/sysctl.conf": "net.a = 1\n"}, "", "holds none of the files"},
		"a link to one":   {map[string]string{"a": "-> /"}, "", "holds none of the files"},
		"a supportconfig": {map[string]string{"scc_web1/network.txt": supportNetwork}, "scc_web1", ""},
	} {
		dir := proctest.Tree(t, test.files)
		s, err := OpenSaved(dir)
		switch {
		case test.err != "":
			if err == nil || !strings.Contains(err.Error(), test.err) {
				t.Errorf("%s: %v", name, err)
			}
		case err != nil || s.System.Tree != test.tree:
			t.Errorf("%s: %+v, %v", name, s, err)
		}
	}
	if _, err := OpenSaved(filepath.Join(t.TempDir(), "none")); err == nil || errors.Is(err, ErrNothing) {
		t.Errorf("no directory: %v", err)
	}
	if dir := t.TempDir(); os.Symlink("/", filepath.Join(dir, "root")) == nil {
		if _, err := OpenSaved(dir); !errors.Is(err, ErrNothing) {
			t.Errorf("a link is followed: %v", err)
		}
	}
}
