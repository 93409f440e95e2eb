// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/u-root/u-root/pkg/kmodule"
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
// request_module, as "modprobe -q -- NAME". NAME may be an alias, which kmodule does
// not know.
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
	load := moduleLoader()
	var errs []error
	for _, module := range targets {
		if !isLive(module) {
			errs = append(errs, load(module, params))
		}
	}
	return errors.Join(errs...)
}

// moduleLoader returns what loads a module and all that it depends on. It lets the
// kernel say what is loaded, which waits for a module that another process is
// loading; /proc/modules, which kmodule would read, lists that one already.
func moduleLoader() func(module, params string) error {
	p, err := kmodule.NewProber(kmodule.ProbeOpts{IgnoreProcMods: true})
	return func(module, params string) error {
		if err != nil {
			return err
		}
		if err := p.Probe(module, params); err != nil {
			return fmt.Errorf("load module %s: %w", module, err)
		}
		return nil
	}
}

// isLive spares the kernel reading a module that it has: nf_tables asks for the same
// ones many times over.
func isLive(module string) bool {
	state, _ := os.ReadFile("/sys/module/" + module + "/initstate")
	return strings.TrimSpace(string(state)) == "live"
}

func removeModule(t *moduleTree, name string) error {
	for _, n := range t.lookup(name) {
		if err := kmodule.Delete(n, unix.O_NONBLOCK); err != nil {
			return fmt.Errorf("remove %s: %w", n, err)
		}
	}
	return nil
}
