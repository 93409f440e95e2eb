// SPDX-License-Identifier: Apache-2.0

package survey

import (
	"io/fs"
	"testing"
)

func TestInner(t *testing.T) {
	for name, test := range map[string]struct {
		sysctls map[string]string
		want    bool
	}{
		"the machine's first": {map[string]string{"net.core.somaxconn": "4096", "net.core.netdev_max_backlog": "1000"}, false},
		"another":             {map[string]string{"net.core.somaxconn": "128", "net.ipv4.tcp_syncookies": "1"}, true},
		"not known":           {map[string]string{}, false},
	} {
		if got := inner(test.sysctls); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestSurroundings(t *testing.T) {
	const machine, other = "net:[4026531840]", "net:[4026532008]"
	for name, test := range map[string]struct {
		links     map[string]string
		files     []string
		group     string
		contained bool
		boots     bool
	}{
		"a shell on the machine": {links: map[string]string{"/proc/self/ns/pid": firstPIDNamespace, "/proc/1/ns/net": machine, "/proc/self/ns/net": machine},
			files: []string{"/run/systemd/system"}, boots: true},
		"ip netns exec": {links: map[string]string{"/proc/self/ns/pid": firstPIDNamespace, "/proc/1/ns/net": machine, "/proc/self/ns/net": other},
			files: []string{"/run/systemd/system"}},
		"docker run": {links: map[string]string{"/proc/self/ns/pid": "pid:[4026532200]", "/proc/1/ns/net": other, "/proc/self/ns/net": other}, contained: true},
		"docker run --pid host": {links: map[string]string{"/proc/self/ns/pid": firstPIDNamespace, "/proc/self/ns/net": other},
			files: []string{"/.dockerenv"}, contained: true},
		"a pod with the host's namespaces": {links: map[string]string{"/proc/self/ns/pid": firstPIDNamespace}, group: "0123456789ab", contained: true},
		"a container with a systemd of its own": {links: map[string]string{"/proc/self/ns/pid": "pid:[4026532200]", "/proc/1/ns/net": other, "/proc/self/ns/net": other},
			files: []string{"/run/systemd/system"}, contained: true, boots: true},
		"nothing to be known": {},
	} {
		s := surroundings{
			func(path string) (string, error) {
				if to, ok := test.links[path]; ok {
					return to, nil
				}
				return "", fs.ErrPermission
			},
			func(path string) (fs.FileInfo, error) {
				for _, f := range test.files {
					if f == path {
						return nil, nil
					}
				}
				return nil, fs.ErrNotExist
			},
			func() string { return test.group },
		}
		if got := s.contained(); got != test.contained {
			t.Errorf("%s: contained %v", name, got)
		}
		if got := s.boots(); got != test.boots {
			t.Errorf("%s: boots %v", name, got)
		}
	}
}
