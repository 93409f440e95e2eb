// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/synwatch/synwatch/pkg/vm"
)

// fetchFlags say where kernels come from and are kept.
type fetchFlags struct{ cache, mirror string }

func (f *fetchFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.cache, "cache", "", "`DIR` that keeps fetched kernels (default: synwatch/kernels in the user's cache)")
	cmd.Flags().StringVar(&f.mirror, "mirror", os.Getenv("SYNWATCH_DEBIAN_MIRROR"),
		"`URL` of a Debian mirror (default: $SYNWATCH_DEBIAN_MIRROR, or the one apt is set up with)")
}

func (f *fetchFlags) fetcher() (vm.Fetcher, error) {
	fetcher := vm.Fetcher{Cache: vm.Cache(f.cache), Log: os.Stderr}
	if f.mirror != "" {
		fetcher.Mirror = vm.NewMirror(f.mirror)
	}
	if f.cache != "" {
		return fetcher, nil
	}
	var err error
	fetcher.Cache, err = vm.DefaultCache()
	return fetcher, err
}

// machineFlags describe the machine and what is in it.
type machineFlags struct {
	fetchFlags
	accel, memory, appendLine string
	cpus                      int
	add, env, modules, late   []string
	noPreload, console        bool
	timeout, bootTimeout      time.Duration
}

func (f *machineFlags) addTo(cmd *cobra.Command) {
	f.fetchFlags.add(cmd)
	fl := cmd.Flags()
	fl.SetInterspersed(false)
	fl.StringVar(&f.accel, "accel", "auto", "`auto`, kvm, tcg, or icount: emulated, with a clock that counts instructions, a nanosecond each")
	fl.StringVar(&f.memory, "memory", "1G", "`SIZE` of the memory")
	fl.IntVar(&f.cpus, "cpus", 0, "`NUMBER` of processors (default 2, with icount 1)")
	fl.StringArrayVar(&f.add, "add", nil, "add `HOSTPATH[:GUESTPATH]` to the machine (default: in /bin; "+archWord+" in it is the kernel's architecture)")
	fl.StringArrayVar(&f.env, "env", nil, "set `NAME=VALUE` inside, or pass NAME on")
	fl.StringSliceVar(&f.modules, "module", nil, "load module `NAME` too")
	fl.StringSliceVar(&f.late, "late", nil, "do not load module `NAME` at boot, nor what depends on it")
	fl.BoolVar(&f.noPreload, "no-preload", false, "load no modules at boot")
	fl.BoolVar(&f.console, "console", false, "show the kernel's console on stderr")
	fl.StringVar(&f.appendLine, "append", "", "add `WORDS` to the kernel's command line")
	fl.DurationVar(&f.timeout, "timeout", 40*time.Minute, "kill the machine after this `TIME`")
	fl.DurationVar(&f.bootTimeout, "boot-timeout", 90*time.Second, "`TIME` that a boot may take")
}

// archWord stands for the kernel's architecture in paths of the host.
const archWord = "%ARCH%"

// forKernel makes a run's configuration: one kernel and a command on it.
func (f *machineFlags) forKernel(k vm.Kernel, args []string) (vm.Config, error) {
	cfg, err := f.config()
	if err != nil {
		return cfg, err
	}
	cfg.Kernel = k
	name := func(s string) string { return strings.ReplaceAll(s, archWord, k.Architecture()) }
	for _, a := range args {
		cfg.Args = append(cfg.Args, name(a))
	}
	for _, a := range f.add {
		file, err := vm.ParseFile(name(a))
		if err != nil {
			return cfg, err
		}
		cfg.Add = append(cfg.Add, file)
	}
	return cfg, nil
}

// config is what does not depend on the kernel.
func (f *machineFlags) config() (vm.Config, error) {
	fetcher, err := f.fetcher()
	if err != nil {
		return vm.Config{}, err
	}
	dir, err := os.Getwd()
	if err != nil {
		return vm.Config{}, err
	}
	cfg := vm.Config{
		Cache: fetcher.Cache, Dir: dir, Env: f.environment(), Accel: f.accel, Memory: f.memory, CPUs: f.cpus,
		Append: f.appendLine, Timeout: f.timeout, BootTimeout: f.bootTimeout,
		Modules: vm.ModuleSpec{More: f.modules, Late: f.late, NoPreload: f.noPreload},
		Stdout:  os.Stdout, Stderr: os.Stderr, Log: os.Stderr,
	}
	if f.console {
		cfg.Console = os.Stderr
	}
	return cfg, nil
}

func (f *machineFlags) environment() []string {
	var env []string
	for _, kv := range f.env {
		env = append(env, withValue(kv))
	}
	return env
}

func withValue(kv string) string {
	for i := range kv {
		if kv[i] == '=' {
			return kv
		}
	}
	return kv + "=" + os.Getenv(kv)
}

// kernel finds a kernel by matrix name, fetching it if need be, or by path.
func (f *machineFlags) kernel(ctx context.Context, name, modules string) (vm.Kernel, error) {
	if !vm.IsKnownName(name) {
		return vm.OwnKernel(name, modules)
	}
	if modules != "" {
		return vm.Kernel{}, fmt.Errorf("--modules goes with a kernel's path, not with %s", name)
	}
	fetcher, err := f.fetcher()
	if err != nil {
		return vm.Kernel{}, err
	}
	return fetcher.Fetch(ctx, name)
}
