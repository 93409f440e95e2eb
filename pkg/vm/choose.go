// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"pault.ag/go/debian/version"
)

// source is one place to look for a matrix kernel: the best version within
// [low, high] in any of the suites.
type source struct {
	suites    []string
	low, high [2]int
	note      string
}

// matrixKernel is a kernel's name, which of Debian's editions it is, and the places
// to look for it, best first.
type matrixKernel struct {
	name    string
	edition edition
	sources []source
}

// edition is one of the builds that Debian makes of each version.
type edition struct {
	arch    string // as Go and, for these, Debian name it
	flavour string // "cloud", "rt", or empty for the full one
}

// bookworm and trixie have the kernels of which several builds are run.
var bookworm = []source{{suites: []string{"bookworm", "bookworm-security"}, low: [2]int{6, 1}, high: [2]int{6, 1}}}

var trixie = []source{{suites: []string{"trixie", "trixie-security"}, low: [2]int{6, 12}, high: [2]int{6, 12}}}

// matrixKernels lists the kernels that the tests run on. Debian keeps a version in
// backports only for a while, hence the fallbacks of 6.18.
var matrixKernels = []matrixKernel{
	{"5.10", edition{"amd64", "cloud"}, []source{{suites: []string{"bullseye", "bullseye-security"}, low: [2]int{5, 10}, high: [2]int{5, 10}}}},
	{"6.1", edition{"amd64", "cloud"}, bookworm},
	{"6.12", edition{"amd64", "cloud"}, trixie},
	{"6.12-full", edition{"amd64", ""}, trixie},
	{"6.12-rt", edition{"amd64", "rt"}, trixie},
	{"6.12-arm64", edition{"arm64", "cloud"}, trixie},
	{"6.18", edition{"amd64", "cloud"}, []source{
		{suites: []string{"trixie-backports"}, low: [2]int{6, 16}, high: [2]int{6, 18}},
		{suites: []string{"forky", "sid"}, low: [2]int{6, 16}, high: [2]int{6, 18}},
		{suites: []string{"trixie-backports", "forky", "sid"}, low: [2]int{6, 13}, high: [2]int{6, 19},
			note: "no 6.16 to 6.18 in any suite: the nearest version instead"},
	}},
	{"7.x", edition{"amd64", "cloud"}, []source{{suites: []string{"sid", "trixie-backports"}, low: [2]int{7, 0}, high: [2]int{7, 999}}}},
}

// furtherKernels are run only when they are named: they differ from a kernel of the
// matrix in one thing, which another kernel of the matrix has too.
var furtherKernels = []matrixKernel{
	{"6.1-rt", edition{"amd64", "rt"}, bookworm},
	{"6.1-arm64", edition{"arm64", "cloud"}, bookworm},
}

// knownKernels are those of the matrix and the further ones.
func knownKernels() []matrixKernel { return slices.Concat(matrixKernels, furtherKernels) }

// KnownNames lists the kernels that Fetch knows: those of the matrix, oldest first, then
// the further ones.
func KnownNames() []string { return names(knownKernels()) }

// MatrixNames lists the kernels of the matrix, oldest first.
func MatrixNames() []string { return names(matrixKernels) }

func names(kernels []matrixKernel) []string {
	var names []string
	for _, k := range kernels {
		names = append(names, k.name)
	}
	return names
}

// MatrixNamesOf lists the kernels of the matrix that are of one architecture.
func MatrixNamesOf(arch string) []string {
	var names []string
	for _, k := range matrixKernels {
		if k.edition.arch == arch {
			names = append(names, k.name)
		}
	}
	return names
}

// listed is one line of apt-cache madison: a package in one version.
type listed struct{ pkg, version string }

// parseMadison reads "package | version | where" lines.
func parseMadison(text string) []listed {
	var out []listed
	for line := range strings.Lines(text) {
		field := strings.Split(line, "|")
		if len(field) == 3 && strings.Contains(field[2], "Packages") {
			out = append(out, listed{strings.TrimSpace(field[0]), strings.TrimSpace(field[1])})
		}
	}
	return out
}

// candidate is a kernel that the index offers with everything it needs.
type candidate struct {
	release  string          // uname -r
	version  version.Version // of the packages
	packages []string
}

// name names the candidate's first package and the version.
func (c candidate) name() string { return c.packages[0] + " " + c.version.String() }

// kernelPackage matches the packages of any kernel: their names hold its uname -r.
var kernelPackage = regexp.MustCompile(
	`^linux-(?:image|binary|binary-unsigned|modules|base)-([0-9]+\.[0-9]+\.[0-9]+.*?)(?:-unsigned)?$`)

// release returns the uname -r that a package is of, or "" if that is no kernel of
// this edition.
func (ed edition) release(pkg string) string {
	m := kernelPackage.FindStringSubmatch(pkg)
	if m == nil {
		return ""
	}
	version, ok := strings.CutSuffix(m[1], "-"+ed.arch)
	if !ok {
		return ""
	}
	flavour := ""
	for _, f := range []string{"cloud", "rt"} {
		if strings.HasSuffix(version, "-"+f) {
			flavour = f
		}
	}
	if flavour != ed.flavour {
		return ""
	}
	return m[1]
}

// candidates returns the complete kernels of an edition within s's range, newest first.
//
// Up to 6.18 one package holds image and modules; from 6.19 on the image is in
// linux-binary-* (of which the signed one may lag behind) and the modules in
// linux-modules-*. A kernel whose modules package is missing is left out.
func candidates(index []listed, ed edition, s source) []candidate {
	offered := map[listed]bool{}
	for _, l := range index {
		offered[l] = true
	}
	seen := map[listed]bool{}
	var out []candidate
	for _, l := range index {
		release := ed.release(l.pkg)
		if release == "" || !s.covers(release) || seen[listed{release, l.version}] {
			continue
		}
		seen[listed{release, l.version}] = true
		v, err := version.Parse(l.version)
		if err != nil {
			continue // apt lists no such version
		}
		if pkgs := packageSet(offered, release, l.version); pkgs != nil {
			out = append(out, candidate{release, v, pkgs})
		}
	}
	slices.SortFunc(out, func(a, b candidate) int { return version.Compare(b.version, a.version) })
	return out
}

// packageSet names the packages of a kernel, or nil if one of them is not offered.
func packageSet(offered map[listed]bool, release, version string) []string {
	first := func(names ...string) string {
		for _, n := range names {
			if offered[listed{n, version}] {
				return n
			}
		}
		return ""
	}
	binary := first("linux-binary-"+release, "linux-binary-unsigned-"+release)
	modules := first("linux-modules-" + release)
	if binary != "" || modules != "" {
		if binary == "" || modules == "" {
			return nil
		}
		set := []string{binary, modules}
		if base := first("linux-base-" + release); base != "" {
			set = append(set, base)
		}
		return set
	}
	if image := first("linux-image-"+release, "linux-image-"+release+"-unsigned"); image != "" {
		return []string{image}
	}
	return nil
}

// covers says whether a release such as 6.12.107+deb13-cloud-amd64 is in range.
func (s source) covers(release string) bool {
	var v [2]int
	if _, err := fmt.Sscanf(release, "%d.%d.", &v[0], &v[1]); err != nil {
		return false
	}
	return slices.Compare(v[:], s.low[:]) >= 0 && slices.Compare(v[:], s.high[:]) <= 0
}
