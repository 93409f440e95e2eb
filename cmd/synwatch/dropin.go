// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/synwatch/synwatch/pkg/diagnose"
	"github.com/synwatch/synwatch/pkg/shell"
	"github.com/synwatch/synwatch/pkg/survey"
	"github.com/synwatch/synwatch/pkg/text"
	"github.com/synwatch/synwatch/pkg/view"
)

// dropinMark is the first line of a file that check wrote and may write again.
const dropinMark = "# Written by synwatch check --write-dropin, which will write it again."

// writeDropin writes the sysctls that are to survive a boot, and says how they come into
// force and which other file overrides them.
func (e *env) writeDropin(path string, c *view.Check) error {
	old, err := readDropin(path)
	if err != nil {
		return fmt.Errorf("write drop-in: %w", err)
	}
	if len(c.Settings) == 0 {
		e.say("no sysctl is to be set, nothing was written to " + path)
		if c.Inner() {
			e.say("this network namespace is not the machine's first, for which alone the files of sysctl.d are read at boot")
		}
		return nil
	}
	if err := replaceFile(path, dropinText(c.Settings, old), old != nil); err != nil {
		return fmt.Errorf("write drop-in: %w", err)
	}
	e.say(fmt.Sprintf("wrote %s; put it into force now: %s", path, shell.New("sysctl", "-p", shell.File(path))))
	for _, line := range inTheWay(path, c) {
		e.say(line)
	}
	return nil
}

// mayWrite says why a drop-in file cannot be written, before the machine is looked
// at, which may take as long as --since says.
func mayWrite(path string) error {
	if path == "" {
		return nil
	}
	dir := filepath.Dir(path)
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return fmt.Errorf("there is no directory %s", dir)
	}
	_, err := readDropin(path)
	return err
}

// readDropin returns the blocks of settings in a file that check wrote, nil if
// there is no file. Any other file is an error.
func readDropin(path string) ([]string, error) {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	foreign := fmt.Errorf("%s is there and was not written by synwatch check: name another file", path)
	if !info.Mode().IsRegular() {
		return nil, foreign
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	body, ok := strings.CutPrefix(string(content), dropinMark+"\n")
	if !ok {
		return nil, foreign
	}
	return strings.Split(strings.TrimSpace(body), "\n\n"), nil
}

// dropinText is the file: the new settings, and the old blocks that set others:
// check does not find any more what those cured.
func dropinText(settings []diagnose.Setting, old []string) string {
	var blocks []string
	for _, s := range settings {
		comment := "# " + strings.Join(text.Wrap(s.ID+": "+s.Why, 90), "\n# ")
		blocks = append(blocks, comment+"\n"+s.Sysctl+" = "+s.Value)
	}
	for _, block := range old {
		lines := strings.Split(block, "\n")
		key, _, ok := strings.Cut(lines[len(lines)-1], " = ")
		isNew := func(s diagnose.Setting) bool { return s.Sysctl == key }
		if ok && !slices.ContainsFunc(settings, isNew) {
			blocks = append(blocks, block)
		}
	}
	return dropinMark + "\n" + strings.Join(blocks, "\n\n") + "\n"
}

// replaceFile writes a file under another name first. A new one appears only if
// there still is none of its name.
func replaceFile(path, text string, there bool) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".synwatch-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, removeIfThere(f.Name())) }()
	w := bufio.NewWriter(f)
	_, _ = w.WriteString(text) // Flush has the error
	if err := errors.Join(w.Flush(), f.Chmod(0o644), f.Sync(), f.Close()); err != nil {
		return err
	}
	if there {
		return os.Rename(f.Name(), path)
	}
	return os.Link(f.Name(), path)
}

func removeIfThere(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// inTheWay lists the lines of other files that will be read after this one and
// say otherwise.
func inTheWay(path string, c *view.Check) []string {
	var lines []string
	for _, s := range c.Settings {
		var last *survey.Assignment
		for _, a := range c.Snapshot.System.Files.Naming(s.Sysctl) {
			after := a.File == "/etc/sysctl.conf" || filepath.Base(a.File) > filepath.Base(path)
			if after && a.Value != s.Value && a.File != path {
				last = &a
			}
		}
		if last != nil {
			lines = append(lines, fmt.Sprintf("%s:%d says %s = %s and is read later: take it out", last.File, last.Line, last.Key, last.Value))
		}
	}
	return lines
}
