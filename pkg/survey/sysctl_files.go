// SPDX-License-Identifier: Apache-2.0

package survey

import (
	"errors"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// sysctlDirs are where systemd-sysctl finds its files, sysctl.d(5): of two with
// one name only that in the earlier directory counts. The last is the third's
// other name, unless /lib is not joined with /usr/lib.
var sysctlDirs = []string{"/etc/sysctl.d", "/run/sysctl.d", "/usr/local/lib/sysctl.d", "/usr/lib/sysctl.d", "/lib/sysctl.d"}

// sysctlConf is read by systemd-sysctl only through a link in a directory, and
// by procps' sysctl --system after everything else.
const sysctlConf = "/etc/sysctl.conf"

// Assignment is a line of a sysctl file.
type Assignment struct {
	File string `json:"file"` // the machine's name of it, links followed
	Line int    `json:"line"` // from 1
	// Key is in the form of sysctl -a, with a slash for a dot in a name:
	// net.ipv4.conf.eth0/7.rp_filter. It may be a pattern.
	Key   string `json:"key"`
	Value string `json:"value"`
	// Excludes tells that the line has no value and only takes the key out of the
	// patterns.
	Excludes bool `json:"excludes,omitempty"`
	// ByHand tells that systemd-sysctl does not read the file at boot; sysctl -p
	// and sysctl --system do.
	ByHand bool `json:"by_hand,omitempty"`
}

// SysctlFiles are the assignments of a machine's sysctl files in the order in
// which they are made.
type SysctlFiles []Assignment

// readSysctlFiles reads the files that there are, and lists those that may not
// be read.
func readSysctlFiles(r Tree) (files SysctlFiles, unread []string) {
	read := func(named string, byHand bool) string {
		at, err := r.locate(named)
		var text string
		if err == nil {
			text, err = r.read(r.name(at))
		}
		if errors.Is(err, fs.ErrPermission) {
			unread = append(unread, named)
		}
		if err != nil {
			return "" // a link to /dev/null, say, which masks a file
		}
		files = append(files, parseSysctlFile(r.name(at), text, byHand)...)
		return r.name(at)
	}
	var done []string
	for _, named := range sysctlFileNames(r) {
		done = append(done, read(named, false))
	}
	if !slices.Contains(done, sysctlConf) {
		read(sysctlConf, true)
	}
	return files, unread
}

// sysctlFileNames lists the files of the directories in the order in which they
// are read: by their names, whatever the directory.
func sysctlFileNames(r Tree) []string {
	chosen := map[string]string{}
	var order []string
	for _, dir := range sysctlDirs {
		for _, name := range r.list(dir) {
			if chosen[name] == "" && strings.HasSuffix(name, ".conf") {
				chosen[name] = filepath.Join(dir, name)
				order = append(order, name)
			}
		}
	}
	slices.Sort(order)
	for i, name := range order {
		order[i] = chosen[name]
	}
	return order
}

func parseSysctlFile(file, text string, byHand bool) []Assignment {
	var found []Assignment
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' || line[0] == ';' {
			continue
		}
		key, value, assigns := strings.Cut(line, "=")
		key, optional := strings.CutPrefix(strings.TrimSpace(key), "-")
		if !assigns && !optional || key == "" {
			continue
		}
		found = append(found, Assignment{
			File: file, Line: n, Key: SysctlKey(strings.TrimSpace(key)), Value: normalValue(value),
			Excludes: !assigns, ByHand: byHand,
		})
	}
	return found
}

// SysctlKey is the usual form of a key: whichever of the dot and the slash comes
// first in what is written separates the names.
func SysctlKey(written string) string {
	if i := strings.IndexAny(written, "./"); i >= 0 && written[i] == '/' {
		return swapSeparators(written)
	}
	return written
}

var separators = strings.NewReplacer(".", "/", "/", ".")

// swapSeparators turns a key into a path below /proc/sys, and back.
func swapSeparators(s string) string { return separators.Replace(s) }

// normalValue has one blank between numbers, as files have blanks and the kernel
// has tabs.
func normalValue(s string) string { return strings.Join(strings.Fields(s), " ") }

// Setting finds the assignment that a key has in the end: the last that names
// it, or else the last pattern, unless the key is excluded from these.
func (f SysctlFiles) Setting(key string) (Assignment, bool) {
	var last Assignment
	named, matched := false, false
	for _, a := range f {
		switch {
		case a.Key == key:
			last, named = a, true
		case !named && !a.Excludes && matches(a.Key, key):
			last, matched = a, true
		}
	}
	return last, (named || matched) && !last.Excludes
}

// Naming lists the assignments to a key by its name.
func (f SysctlFiles) Naming(key string) []Assignment {
	var found []Assignment
	for _, a := range f {
		if a.Key == key && !a.Excludes {
			found = append(found, a)
		}
	}
	return found
}

func matches(pattern, key string) bool {
	if !strings.ContainsAny(pattern, "*?[") {
		return false
	}
	ok, err := path.Match(swapSeparators(pattern), swapSeparators(key))
	return ok && err == nil
}
