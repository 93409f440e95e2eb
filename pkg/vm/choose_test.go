// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"slices"
	"strings"
	"testing"
)

// madison is an excerpt of what apt-cache madison prints.
const madison = `linux-image-6.12.107+deb13-cloud-amd64 | 6.12.107-1 | http://mirror.example/debian trixie/main amd64 Packages
linux-image-6.12.117+deb13-cloud-amd64 | 6.12.117-1 | http://mirror.example/debian-security trixie-security/main amd64 Packages
linux-image-6.12.117+deb13-cloud-amd64-unsigned | 6.12.117-1 | http://mirror.example/debian-security trixie-security/main amd64 Packages
linux-image-6.12.107+deb13-amd64 | 6.12.107-1 | http://mirror.example/debian trixie/main amd64 Packages
linux-image-6.12.117+deb13-amd64-unsigned | 6.12.117-1 | http://mirror.example/debian-security trixie-security/main amd64 Packages
linux-image-6.12.117+deb13-amd64-dbg | 6.12.117-1 | http://mirror.example/debian-security trixie-security/main amd64 Packages
linux-image-6.12.117+deb13-rt-amd64 | 6.12.117-1 | http://mirror.example/debian-security trixie-security/main amd64 Packages
linux-image-6.12-cloud-amd64 | 6.12.118-1 | http://mirror.example/debian trixie/main amd64 Packages
linux-image-6.12.90+deb13.1-cloud-amd64 | 6.12.90-2 | http://mirror.example/debian trixie/main amd64 Packages
linux-image-6.17.13+deb13-cloud-amd64 | 6.17.13-1~bpo13+1 | http://mirror.example/debian trixie-backports/main amd64 Packages
linux-image-6.18.15+deb13-cloud-amd64 | 6.18.15-1~bpo13+1 | http://mirror.example/debian trixie-backports/main amd64 Packages
linux-image-6.19.14+deb13-cloud-amd64 | 6.19.14-1~bpo13+1 | http://mirror.example/debian trixie-backports/main amd64 Packages
linux-binary-6.19.14+deb13-cloud-amd64 | 6.19.14-1~bpo13+1 | http://mirror.example/debian trixie-backports/main amd64 Packages
linux-image-7.2.13+deb14-cloud-amd64 | 7.2.13-1 | http://mirror.example/debian sid/main amd64 Packages
linux-binary-7.2.13+deb14-cloud-amd64 | 7.2.13-1 | http://mirror.example/debian sid/main amd64 Packages
linux-modules-7.2.13+deb14-cloud-amd64 | 7.2.13-1 | http://mirror.example/debian sid/main amd64 Packages
linux-binary-unsigned-7.3.4+deb13-cloud-amd64 | 7.3.4-1~bpo13+1 | http://mirror.example/debian trixie-backports/main amd64 Packages
linux-modules-7.3.4+deb13-cloud-amd64 | 7.3.4-1~bpo13+1 | http://mirror.example/debian trixie-backports/main amd64 Packages
linux-base-7.3.4+deb13-cloud-amd64 | 7.3.4-1~bpo13+1 | http://mirror.example/debian trixie-backports/main amd64 Packages
linux-image-6.1.0-56-cloud-amd64 | 6.1.192-2 | http://mirror.example/debian-security bookworm-security/main amd64 Packages
linux-image-6.1.0-56-cloud-amd64 | 6.1.190-1 | http://mirror.example/debian bookworm/main amd64 Packages
     linux | 6.12.107-1 | http://mirror.example/debian trixie/main Sources
`

func TestCandidates(t *testing.T) {
	index := parseMadison(madison)
	for name, want := range map[string][]string{
		"5.10": nil,
		"6.1":  {"linux-image-6.1.0-56-cloud-amd64=6.1.192-2", "linux-image-6.1.0-56-cloud-amd64=6.1.190-1"},
		"6.12": {"linux-image-6.12.117+deb13-cloud-amd64=6.12.117-1", "linux-image-6.12.107+deb13-cloud-amd64=6.12.107-1",
			"linux-image-6.12.90+deb13.1-cloud-amd64=6.12.90-2"},
		"6.12-full":  {"linux-image-6.12.117+deb13-amd64-unsigned=6.12.117-1", "linux-image-6.12.107+deb13-amd64=6.12.107-1"},
		"6.12-rt":    {"linux-image-6.12.117+deb13-rt-amd64=6.12.117-1"},
		"6.12-arm64": nil,
		"6.18":       {"linux-image-6.18.15+deb13-cloud-amd64=6.18.15-1~bpo13+1", "linux-image-6.17.13+deb13-cloud-amd64=6.17.13-1~bpo13+1"},
		"7.x": {
			"linux-binary-unsigned-7.3.4+deb13-cloud-amd64 linux-modules-7.3.4+deb13-cloud-amd64 linux-base-7.3.4+deb13-cloud-amd64=7.3.4-1~bpo13+1",
			"linux-binary-7.2.13+deb14-cloud-amd64 linux-modules-7.2.13+deb14-cloud-amd64=7.2.13-1"},
	} {
		var got []string
		for _, c := range candidates(index, kernelOf(t, name).edition, kernelOf(t, name).sources[0]) {
			got = append(got, strings.Join(c.packages, " ")+"="+c.version.String())
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: got  %q\nwant %q", name, got, want)
		}
	}
}

func kernelOf(t *testing.T, name string) matrixKernel {
	t.Helper()
	for _, k := range knownKernels() {
		if k.name == name {
			return k
		}
	}
	t.Fatalf("no kernel %s", name)
	return matrixKernel{}
}

func TestCandidatesLeaveOutAKernelWithoutItsModules(t *testing.T) {
	wide := source{low: [2]int{6, 19}, high: [2]int{6, 19}}
	if got := candidates(parseMadison(madison), edition{"amd64", "cloud"}, wide); len(got) != 0 {
		t.Errorf("got %v", got)
	}
}

func TestParseTargets(t *testing.T) {
	const debian = "Debian|http://mirror.example/debian|bookworm|main\n" +
		"Debian|http://mirror.example/debian|bookworm-updates|main\n" +
		"Debian|http://sec.example/debian-security|bookworm-security|main\n" +
		"Tools|http://tools.example/apt|bookworm|main\n|http://other.example/x|nodistro|main\n"
	const unread = "|http://tools.example/apt|trixie|main\n|http://mirror.example/debian|trixie|main\n" +
		"|http://mirror.example/debian-security|trixie-security|main\n"
	const ubuntu = "Ubuntu|http://archive.example/ubuntu|noble|main\nUbuntu|http://archive.example/ubuntu|noble-security|main\n"
	for text, want := range map[string]Mirror{
		debian: {"http://mirror.example/debian", "http://sec.example/debian-security"},
		unread: {"http://mirror.example/debian", "http://mirror.example/debian-security"},
		ubuntu: {},
	} {
		if got := parseTargets(text); got != want {
			t.Errorf("got %+v, want %+v for\n%s", got, want, text)
		}
	}
}

func TestSourcesListWithoutASecurityArchive(t *testing.T) {
	list := sourcesList(NewMirror("http://mirror.example/mine/"), "amd64", []string{"bookworm", "bookworm-security"})
	if strings.Count(list, "\n") != 1 || !strings.Contains(list, "http://mirror.example/mine bookworm main") {
		t.Errorf("got %q", list)
	}
	list = sourcesList(NewMirror("http://mirror.example/debian"), "arm64", []string{"bookworm", "bookworm-security"})
	if !strings.Contains(list, "deb [arch=arm64 ") ||
		!strings.Contains(list, "http://mirror.example/debian-security bookworm-security main") {
		t.Errorf("got %q", list)
	}
}
