// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"errors"
	"os"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/synwatch/synwatch/pkg/event"
)

// probe is a hook with its programs and its state on this kernel.
type probe struct {
	*hook
	programs []attachment
	mode     event.Mode
	status   event.Status
	why      string
	// fresh is set for the interval in which a late hook was attached: it did
	// not see all of it.
	fresh bool
	// absent says that the kernel has not what the hook looks into, and never will:
	// there is nothing to miss.
	absent bool
}

// attachBest attaches the hook in the best mode that works, or says why none does.
func (p *probe) attachBest(l *loader, k *kernel) {
	p.status, p.why = event.Unavailable, ""
	symbol := k.function(p.hook)
	if symbol == "" {
		if p.module != "" && !isLoaded(p.module) {
			p.await(loadsModules())
			return
		}
		p.why = k.absent(p.hook)
		return
	}
	programs, mode, err := p.attach(l, symbol)
	if err == nil && p.counters && !k.hasCounters() {
		err = errors.Join(errNoCounters, closeAll(programs))
	}
	if err == nil && p.facts != 0 {
		err = l.variables["hooked"].Set(true)
	}
	if err != nil {
		p.why = err.Error()
		return
	}
	p.programs, p.mode, p.status = programs, mode, event.Attached
}

// await has the hook wait for its module, if the kernel can load any.
func (p *probe) await(loadsModules bool) {
	p.absent = !loadsModules
	if p.absent {
		p.why = "this kernel has no " + p.module
		return
	}
	p.status, p.why = event.Waiting, "module "+p.module+" is not loaded"
}

// loadsModules says whether the kernel can (kernel/module/procfs.c, which is built with
// CONFIG_MODULES).
func loadsModules() bool {
	_, err := os.Stat("/proc/modules")
	return err == nil
}

var errNoCounters = errors.New("neither /proc/kallsyms nor a map tells where a CPU's counters are (CAP_SYSLOG, kernel.kptr_restrict, CONFIG_KALLSYMS_ALL)")

// attach tries the modes in their order.
func (p *probe) attach(l *loader, symbol string) ([]attachment, event.Mode, error) {
	l.useModuleBTF(p.module)
	var refused []string
	for _, way := range []struct {
		mode   event.Mode
		attach func() ([]attachment, error)
	}{
		{event.ModeFentry, func() ([]attachment, error) {
			if !p.typed(symbol) {
				return nil, errNoType
			}
			return l.attachFentry(p.hook)
		}},
		{event.ModeKprobeMulti, func() ([]attachment, error) { return l.attachMulti(p.hook, symbol) }},
		{event.ModeKprobe, func() ([]attachment, error) { return l.attachKprobe(p.hook, symbol) }},
	} {
		err, programs := l.refused[way.mode], []attachment(nil)
		if err == nil {
			programs, err = way.attach()
		}
		if err == nil {
			return programs, way.mode, nil
		}
		refused = append(refused, string(way.mode)+": "+p.remedy(way.mode, err))
	}
	return nil, "", errors.New(strings.Join(refused, "; "))
}

func (p *probe) state() event.HookState {
	return event.HookState{Name: p.name, Mode: p.mode, Status: p.status, Why: p.why}
}

// isLoaded is called at each tick: see clock for why it makes a raw system call.
func isLoaded(module string) bool {
	path, err := unix.BytePtrFromString("/sys/module/" + module)
	if err != nil {
		return false
	}
	_, _, errno := unix.RawSyscall(unix.SYS_FACCESSAT, 0, uintptr(unsafe.Pointer(path)), unix.F_OK)
	return errno == 0
}

// attachLoaded attaches the hooks whose module has been loaded meanwhile.
func (t *Tracer) attachLoaded() {
	late, changed := t.late()
	if len(late) > 0 {
		t.attachLate(late)
	}
	if changed || len(late) > 0 {
		t.coverage = t.currentCoverage()
		t.drain.ignored.clear()
	}
}

// late lists the hooks that need not wait any more, and says whether any was
// fresh until now.
func (t *Tracer) late() (late []*probe, changed bool) {
	loaded := map[string]bool{}
	for _, p := range t.hooks {
		changed = changed || p.fresh
		p.fresh = false
		if p.status != event.Waiting {
			continue
		}
		if _, known := loaded[p.module]; !known {
			loaded[p.module] = isLoaded(p.module)
		}
		if loaded[p.module] {
			late = append(late, p)
		}
	}
	return late, changed
}

func (t *Tracer) attachLate(late []*probe) {
	s, err := findSymbols()
	if err != nil {
		return
	}
	t.kernel.symbols = s
	if err := t.kernel.loadBTF(); err != nil {
		return
	}
	t.loader.useKernelBTF()
	defer func() { t.loader.release(t.awaited()) }()
	for _, p := range late {
		p.fresh = true
		p.attachBest(t.loader, t.kernel)
	}
}

// awaited are the programs of the hooks that wait for their module.
func (t *Tracer) awaited() []string {
	var names []string
	for _, p := range t.hooks {
		if p.status == event.Waiting {
			names = append(append(names, p.fentryPrograms()...), p.kprobePrograms()...)
		}
	}
	return names
}

// Coverage says what the last Read could see.
func (t *Tracer) Coverage() event.Coverage { return t.coverage }

func (t *Tracer) currentCoverage() event.Coverage {
	c := event.Coverage{
		Hooks:      []event.HookState{t.free.state()},
		Observable: event.AllFacts,
		HasReasons: t.kernel.reasons != nil,
		Reasons:    t.kernel.reasonNames,
	}
	for _, p := range t.hooks {
		c.Hooks = append(c.Hooks, p.state())
		if p.status == event.Unavailable && !p.absent || p.fresh {
			c.Observable &^= p.facts
		}
	}
	if t.passes() {
		c.Observable |= passageFacts
	}
	if c.HasReasons {
		c.Observable &^= event.BadChecksum
	}
	if !t.kernel.namesSocket {
		c.Observable &^= event.TimeWaitSocket
	}
	return c
}
