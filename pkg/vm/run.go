// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// Config is one command to run on one kernel.
type Config struct {
	Kernel Kernel
	Cache  Cache
	// Args is the command. With Shell they are joined and given to a shell.
	Args  []string
	Shell bool
	// Dir is the working directory, copied into the guest; empty for none.
	Dir string
	// Env is added to the guest's environment, as NAME=VALUE.
	Env     []string
	Add     []File
	Modules ModuleSpec
	// Stdin is passed to the command; nil for none.
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	// Log gets a line for each retry and warning.
	Log io.Writer
	// Console, if not nil, gets the kernel's console.
	Console io.Writer
	// Accel is "auto", "kvm", "tcg" or "icount", which is "tcg" with a clock that counts
	// instructions: on the one processor that it has, each is a nanosecond.
	Accel  string
	Memory string // as QEMU's -m
	CPUs   int    // 0: 2, or what Accel has
	// Append is added to the kernel's command line.
	Append string
	// BootTimeout bounds the time to init's hello, Timeout the whole run.
	BootTimeout, Timeout time.Duration
	// OnRetry is called before a machine that died is booted again.
	OnRetry func(attempt int)
	// OnHello is called when init runs, with uname -r and the time it took.
	OnHello func(release, accel string, boot time.Duration)
}

// Result is how a run ended.
type Result struct {
	// Status is the command's exit status.
	Status int
	// Release is uname -r, Accel is "kvm", "tcg" or "icount".
	Release, Accel string
	// Boot is the time from QEMU's start to init's hello, of the last boot.
	Boot time.Duration
	// Boots is how often the machine was booted.
	Boots int
}

// StatusTimeout is the exit status of a run that took too long, as timeout(1)'s.
const StatusTimeout = 124

// ErrTimeout says that the whole run took longer than Config.Timeout.
var ErrTimeout = errors.New("timed out")

// DeadError says that a machine ended, or hung, before the command did.
type DeadError struct {
	Why     string
	Console []string // the last lines
}

func (e *DeadError) Error() string {
	if len(e.Console) == 0 {
		return e.Why
	}
	return e.Why + "; the console's last lines:\n  " + strings.Join(e.Console, "\n  ")
}

// maxBoots is the first boot and two more for a machine that died.
const maxBoots = 3

// withDefaults fills in what a caller left out.
func (c Config) withDefaults() Config {
	set := func(d *time.Duration, to time.Duration) {
		if *d == 0 {
			*d = to
		}
	}
	set(&c.BootTimeout, 90*time.Second)
	set(&c.Timeout, 40*time.Minute)
	if c.Memory == "" {
		c.Memory = "1G"
	}
	if c.Accel == "" {
		c.Accel = accelAuto
	}
	switch {
	case c.CPUs > 0:
	case c.Accel == accelICount:
		c.CPUs = 1
	default:
		c.CPUs = 2
	}
	for _, w := range []*io.Writer{&c.Stdout, &c.Stderr, &c.Log} {
		if *w == nil {
			*w = io.Discard
		}
	}
	return c
}

// Run boots the kernel and runs the command. A command that ends with whatever
// status is a Result; a machine that dies is booted again, at most twice.
func Run(ctx context.Context, cfg Config) (Result, error) {
	cfg = cfg.withDefaults()
	parent := ctx
	ctx, cancel := context.WithTimeoutCause(ctx, cfg.Timeout, ErrTimeout)
	defer cancel()
	res, err := run(ctx, cfg)
	switch {
	case err == nil:
		return res, nil
	case parent.Err() != nil:
		return res, fmt.Errorf("run on %s: %w", cfg.Kernel.Name, parent.Err())
	case errors.Is(context.Cause(ctx), ErrTimeout):
		res.Status = StatusTimeout
		return res, fmt.Errorf("run on %s: %w after %s: machine killed", cfg.Kernel.Name, ErrTimeout, cfg.Timeout)
	}
	return res, fmt.Errorf("run on %s: %w", cfg.Kernel.Name, err)
}

func run(ctx context.Context, cfg Config) (Result, error) {
	p, err := platformOf(cfg.Kernel.Architecture())
	if err != nil {
		return Result{}, err
	}
	if _, err := p.find(); err != nil {
		return Result{}, err
	}
	program, err := guestProgram(ctx, cfg.Cache, p)
	if err != nil {
		return Result{}, err
	}
	accel, err := chooseAccel(ctx, cfg, p, program)
	if err != nil {
		return Result{}, err
	}
	cfg.Accel = accel
	archive, err := buildInitramfs(cfg, p, program)
	if err != nil {
		return Result{}, err
	}
	m := machine{
		platform: p, accel: accel, cpus: cfg.CPUs, memory: cfg.Memory, image: cfg.Kernel.Image,
		cmdline: p.kernelCmdline(accel, cfg.Console != nil, cfg.Append),
	}
	for boots := 1; ; boots++ {
		res, err := boot(ctx, cfg, m, archive.Bytes())
		res.Boots, res.Accel = boots, accel
		var dead *DeadError
		if !errors.As(err, &dead) || boots == maxBoots || ctx.Err() != nil || cfg.Stdin != nil {
			return res, err
		}
		fmt.Fprintf(cfg.Log, "vm: %s died (%s), booting again (%d of %d)\n", cfg.Kernel.Name, dead.brief(), boots+1, maxBoots)
		if cfg.OnRetry != nil {
			cfg.OnRetry(boots + 1)
		}
	}
}

// brief is the reason in one line: the console's own words for it if it has any, and
// where the kernel was.
func (e *DeadError) brief() string {
	why := strings.SplitN(e.Why, "\n", 2)[0]
	if sign := firstSign(e.Console, "BUG:", "Oops", "general protection", "Kernel panic"); sign != "" {
		why = sign
	}
	if at := firstSign(e.Console, "RIP: 0010:", "pc : "); at != "" {
		why += ", " + at
	}
	return why
}

// firstSign returns the rest of the first line that has one of the signs.
func firstSign(lines []string, signs ...string) string {
	for _, line := range lines {
		for _, sign := range signs {
			if i := strings.Index(line, sign); i >= 0 {
				return line[i:]
			}
		}
	}
	return ""
}
