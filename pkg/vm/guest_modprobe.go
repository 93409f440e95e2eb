// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// modprobeArgs is a command line of modprobe, as far as the kernel and tests use it.
type modprobeArgs struct {
	quiet, remove, all bool
	names              []string
	params             string
}

func parseModprobeArgs(args []string) modprobeArgs {
	var m modprobeArgs
	options := true
	for _, a := range args {
		switch {
		case options && a == "--":
			options = false
		case options && strings.HasPrefix(a, "--"):
			m.quiet = m.quiet || a == "--quiet"
			m.remove = m.remove || a == "--remove"
			m.all = m.all || a == "--all"
		case options && strings.HasPrefix(a, "-"):
			m.quiet = m.quiet || strings.Contains(a, "q")
			m.remove = m.remove || strings.Contains(a, "r")
			m.all = m.all || strings.Contains(a, "a")
		case len(m.names) == 0 || m.all || m.remove:
			m.names = append(m.names, a)
		default:
			m.params = strings.TrimSpace(m.params + " " + a)
		}
	}
	return m
}

// modprobe loads modules and what they depend on. The kernel runs it for
// request_module, as "modprobe -q -- NAME".
func modprobe(args []string, stderr io.Writer) int {
	m := parseModprobeArgs(args)
	t, err := loadModules("/lib/modules/" + release())
	if err != nil {
		return m.complain(stderr, err)
	}
	code := 0
	for _, name := range m.names {
		if m.remove {
			err = removeModule(t, name)
		} else {
			err = insertModule(t, name, m.params)
		}
		if err != nil {
			code = m.complain(stderr, err)
		}
	}
	return code
}

func (m modprobeArgs) complain(stderr io.Writer, err error) int {
	if !m.quiet {
		fmt.Fprintln(stderr, "modprobe:", err)
	}
	return 1
}

func insertModule(t *moduleTree, name, params string) error {
	if t.builtin[normal(name)] {
		return nil
	}
	targets := t.lookup(name)
	if len(targets) == 0 {
		return fmt.Errorf("module %s not found", name)
	}
	var errs []error
	for _, module := range t.closure(targets) {
		p := ""
		if module == targets[len(targets)-1] {
			p = params
		}
		if isLive(module) {
			continue
		}
		if err := loadModule(filepath.Join(t.dir, t.files[module]), p); err != nil {
			errs = append(errs, fmt.Errorf("load %s: %w", module, err))
		}
	}
	return errors.Join(errs...)
}

// isLive spares the kernel reading a module that it has: nf_tables asks for the same
// ones many times over.
func isLive(module string) bool {
	state, _ := os.ReadFile("/sys/module/" + module + "/initstate")
	return strings.TrimSpace(string(state)) == "live"
}

func removeModule(t *moduleTree, name string) error {
	for _, n := range t.lookup(name) {
		if err := unix.DeleteModule(n, unix.O_NONBLOCK); err != nil {
			return fmt.Errorf("remove %s: %w", n, err)
		}
	}
	return nil
}

// loadModule loads a plain module; one that is there already is no error.
func loadModule(file, params string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	err = unix.FinitModule(int(f.Fd()), params, 0)
	if err == unix.EEXIST {
		return nil
	}
	return err
}
