// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"
)

// keyring is what Debian's indices are verified against.
const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"

// Mirror is where Debian's packages come from: the base URL of an archive and that
// of its security archive, which may be empty.
type Mirror struct{ Archive, Security string }

// NewMirror takes an archive URL; the security archive is guessed to be its
// neighbour, as on most mirrors.
func NewMirror(archive string) Mirror {
	archive = strings.TrimRight(archive, "/")
	if base, ok := strings.CutSuffix(archive, "/debian"); ok {
		return Mirror{archive, base + "/debian-security"}
	}
	return Mirror{Archive: archive}
}

// errNoMirror is what a host that is not Debian gets.
var errNoMirror = errors.New(
	"this machine has no Debian mirror configured: give --mirror URL or set SYNWATCH_DEBIAN_MIRROR")

// hostMirror asks apt which Debian mirror this machine is set up with.
func hostMirror(ctx context.Context) (Mirror, error) {
	cmd := exec.CommandContext(ctx, "apt-get", "indextargets", "--format",
		"$(ORIGIN)|$(SITE)|$(RELEASE)|$(COMPONENT)")
	out, err := cmd.Output()
	if err != nil {
		return Mirror{}, fmt.Errorf("ask apt for its mirror: %w", err)
	}
	m := parseTargets(string(out))
	if m.Archive == "" {
		return m, errNoMirror
	}
	return m, nil
}

var debianSuite = regexp.MustCompile(
	`^(bullseye|bookworm|trixie|forky|duke|sid|oldoldstable|oldstable|stable|testing|unstable)(-updates|-backports|-security)?$`)

// parseTargets picks Debian's own sites out of apt's index targets. The origin is
// known only once the index was read, so a site that ends in /debian is believed too.
func parseTargets(text string) Mirror {
	var m Mirror
	for line := range strings.Lines(text) {
		f := strings.Split(strings.TrimSpace(line), "|")
		if len(f) != 4 || f[3] != "main" || !debianSuite.MatchString(f[2]) {
			continue
		}
		base := path.Base(f[1])
		switch {
		case f[0] != "Debian" && (f[0] != "" || !strings.HasPrefix(base, "debian")):
		case strings.HasSuffix(f[2], "-security"):
			m.Security = f[1]
		case m.Archive == "":
			m.Archive = f[1]
		}
	}
	return m
}

// apt is apt with a state directory of its own, so that it needs no root and
// neither sees nor changes the machine's package lists.
type apt struct {
	dir, arch string
	log       io.Writer
}

// newAPT prepares dir with the suites of a mirror, for one architecture, as its only
// sources.
func newAPT(dir, arch string, m Mirror, suites []string, log io.Writer) (*apt, error) {
	for _, tool := range []string{"apt-get", "dpkg-deb"} {
		if _, err := exec.LookPath(tool); err != nil {
			return nil, fmt.Errorf("%s is needed to fetch kernels: install Debian's apt and dpkg, or give --kernel a path", tool)
		}
	}
	if _, err := os.Stat(keyring); err != nil {
		return nil, errors.New("debian's keyring is missing: install the package debian-archive-keyring")
	}
	a := &apt{dir: dir, arch: arch, log: log}
	for _, sub := range []string{"state/lists/partial", "cache/archives/partial", "debs"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			return nil, fmt.Errorf("prepare apt: %w", err)
		}
	}
	list := sourcesList(m, arch, suites)
	if err := os.WriteFile(filepath.Join(dir, "sources.list"), []byte(list), 0o644); err != nil {
		return nil, fmt.Errorf("prepare apt: %w", err)
	}
	return a, nil
}

func sourcesList(m Mirror, arch string, suites []string) string {
	var b strings.Builder
	for _, suite := range suites {
		site := m.Archive
		if strings.HasSuffix(suite, "-security") {
			site = m.Security
		}
		if site != "" {
			fmt.Fprintf(&b, "deb [arch=%s target=Packages signed-by=%s] %s %s main\n", arch, keyring, site, suite)
		}
	}
	return b.String()
}

// run runs one of apt's programs in dir/debs and returns its stdout.
func (a *apt) run(ctx context.Context, tool string, args ...string) (string, error) {
	opts := []string{
		"-qq",
		"-o", "Dir::State=" + filepath.Join(a.dir, "state"),
		"-o", "Dir::State::status=/dev/null",
		"-o", "Dir::Cache=" + filepath.Join(a.dir, "cache"),
		"-o", "Dir::Etc::sourcelist=" + filepath.Join(a.dir, "sources.list"),
		"-o", "Dir::Etc::sourceparts=/dev/null",
		"-o", "Dir::Etc::preferences=/dev/null",
		"-o", "Dir::Etc::preferencesparts=/dev/null",
		"-o", "APT::Architecture=" + a.arch,
		"-o", "APT::Architectures=" + a.arch,
		"-o", "APT::Sandbox::User=root",
		"-o", "Acquire::Languages=none",
		"-o", "Acquire::Retries=3",
		"-o", "APT::Update::Error-Mode=any",
	}
	cmd := exec.CommandContext(ctx, tool, append(opts, args...)...)
	cmd.Dir = filepath.Join(a.dir, "debs")
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s %s: %w: %s", tool, args[0], err, firstLine(stderr.String()))
	}
	return stdout.String(), nil
}

// update reads the indices. An archive that lacks one of the suites is an error
// here although the others were read, so callers look at the index first.
func (a *apt) update(ctx context.Context) error {
	_, err := a.run(ctx, "apt-get", "update")
	return err
}

// index lists the packages of an edition's kernels on offer.
func (a *apt) index(ctx context.Context, ed edition) ([]listed, error) {
	names, err := a.run(ctx, "apt-cache", "pkgnames", "linux-")
	if err != nil {
		return nil, err
	}
	args := []string{"madison"}
	for name := range strings.Lines(names) {
		if name = strings.TrimSpace(name); ed.release(name) != "" {
			args = append(args, name)
		}
	}
	if len(args) == 1 {
		return nil, nil
	}
	out, err := a.run(ctx, "apt-cache", args...)
	return parseMadison(out), err
}

// download fetches packages, which apt verifies, and returns the files. No version
// stands for the newest.
func (a *apt) download(ctx context.Context, packages []string, version string) ([]string, error) {
	args := []string{"download"}
	for _, p := range packages {
		if version != "" {
			p += "=" + version
		}
		args = append(args, p)
	}
	if _, err := a.run(ctx, "apt-get", args...); err != nil {
		return nil, err
	}
	var files []string
	for _, p := range packages {
		found, _ := filepath.Glob(filepath.Join(a.dir, "debs", p+"_*.deb"))
		if len(found) == 0 {
			return nil, fmt.Errorf("apt-get download %s: no file arrived", p)
		}
		files = append(files, found[len(found)-1])
	}
	return files, nil
}

// unpack unpacks packages into a new directory of that name.
func (a *apt) unpack(ctx context.Context, name string, debs []string) (string, error) {
	root := filepath.Join(a.dir, name)
	if err := os.RemoveAll(root); err != nil {
		return "", err
	}
	for _, deb := range debs {
		if out, err := exec.CommandContext(ctx, "dpkg-deb", "-x", deb, root).CombinedOutput(); err != nil {
			return "", fmt.Errorf("unpack %s: %w: %s", filepath.Base(deb), err, lastLine(string(out)))
		}
	}
	return root, nil
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	return line
}

func lastLine(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return lines[len(lines)-1]
}
