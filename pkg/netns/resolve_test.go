// SPDX-License-Identifier: Apache-2.0

package netns

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestParseLink(t *testing.T) {
	for link, want := range map[string]uint32{
		"net:[4026531840]": 4026531840, "mnt:[4026531841]": 0, "net:[x]": 0,
		"net:[4026531840": 0, "net:[-1]": 0, "socket:[12]": 0, "": 0, "net:[99999999999]": 0,
	} {
		if got, ok := parseLink(link); got != want && ok || ok != (want != 0) {
			t.Errorf("%q: got %d, %v", link, got, ok)
		}
	}
}

func TestResolve(t *testing.T) {
	own, ok := Own()
	if !ok {
		t.Fatal("no own namespace")
	}
	for _, spec := range []string{
		fmt.Sprint(os.Getpid()), fmt.Sprint(own), OwnPath, fmt.Sprintf("net:[%d]", own),
	} {
		if got, err := Resolve(spec); err != nil || got != own {
			t.Errorf("%s: got %d, %v", spec, got, err)
		}
	}
	plain := filepath.Join(t.TempDir(), "plain")
	if err := os.WriteFile(plain, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for spec, want := range map[string]string{
		"no-such-name":      `named "no-such-name"`,
		"":                  `named ""`,
		"4194303":           "no process 4194303",
		"4294967295":        "inode number 4294967295",
		"/no/such/file":     "no such file",
		plain:               "is not a network namespace",
		"/proc/self/ns/mnt": "is not a network namespace",
	} {
		if _, err := Resolve(spec); want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: got %v, want %q in it", spec, err, want)
		}
	}
}
