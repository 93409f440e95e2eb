// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// vimtoFailed is the exit status of vimto when there is none of the command: it could
// not start the machine, or the machine died.
const vimtoFailed = 128

// Vimto runs programs on kernels with vimto (https://github.com/lmb/vimto), in the
// working directory and with its .vimto.toml.
type Vimto struct {
	// Accel is "kvm" or "tcg".
	Accel string
	// Env is added to the environment, which vimto hands on.
	Env []string
	// Timeout is how long a run may take, 0 for ever.
	Timeout time.Duration
	Log     io.Writer

	path     string
	platform *platform
	wrapper  string // a directory that is to be first in PATH
}

// NewVimto finds vimto and QEMU. Unless it is said which, it tries a kernel under KVM,
// if no kernel was tried since the host booted.
func NewVimto(ctx context.Context, cache Cache, accel, kernel string, log io.Writer) (*Vimto, error) {
	v := &Vimto{Accel: accel, Log: log}
	var err error
	if v.path, err = exec.LookPath("vimto"); err != nil {
		return nil, errors.New("vimto is not in PATH: CGO_ENABLED=0 go install lmb.io/vimto@latest")
	}
	if v.platform, err = platformOf(runtime.GOARCH); err != nil {
		return nil, err
	}
	if _, err := v.platform.find(); err != nil {
		return nil, err
	}
	if accel == "auto" {
		v.Accel = v.chooseAccel(ctx, cache, kernel)
	}
	if v.Accel == "tcg" {
		v.wrapper, err = wrapEmulator(v.platform)
	}
	return v, err
}

// Close removes what NewVimto made.
func (v *Vimto) Close() error {
	if v.wrapper == "" {
		return nil
	}
	return os.RemoveAll(v.wrapper)
}

func (v *Vimto) chooseAccel(ctx context.Context, cache Cache, kernel string) string {
	answer, ok := cache.accel()
	if !ok {
		f, err := os.OpenFile("/dev/kvm", os.O_RDWR, 0)
		if err != nil {
			return "tcg"
		}
		f.Close()
		answer = v.tryKVM(ctx, kernel)
		cache.saveAccel(answer)
		fmt.Fprintf(v.Log, "vm: KVM works here: %t %s\n", answer.KVM, answer.Why)
	}
	if answer.KVM {
		return "kvm"
	}
	return "tcg"
}

// tryKVM runs a command that does nothing. An image may have to be fetched first.
func (v *Vimto) tryKVM(ctx context.Context, kernel string) accelAnswer {
	trial := *v
	trial.Accel, trial.Timeout = "kvm", 5*time.Minute
	status, err := trial.runOnce(ctx, kernel, []string{"true"}, io.Discard, io.Discard)
	answer := accelAnswer{BootID: bootID(), KVM: err == nil && status == 0}
	if !answer.KVM {
		answer.Why = "(vimto could not run a command)"
	}
	return answer
}

// Run runs a program on a kernel, which is an image's tag, an image or a path, and
// returns its exit status. A machine that dies is booted again, at most twice;
// onRetry is called before.
func (v *Vimto) Run(ctx context.Context, kernel string, args []string, stdout, stderr io.Writer, onRetry func()) (status int, err error) {
	for attempt := 1; ; attempt++ {
		status, err = v.runOnce(ctx, kernel, args, stdout, stderr)
		if err != nil || status != vimtoFailed {
			return status, err
		}
		if attempt == maxBoots {
			return status, fmt.Errorf("vimto could not run it %d times, see above", attempt)
		}
		fmt.Fprintln(v.Log, "vm: vimto failed, it is run again")
		onRetry()
	}
}

func (v *Vimto) runOnce(ctx context.Context, kernel string, args []string, stdout, stderr io.Writer) (status int, err error) {
	if v.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, v.Timeout, ErrTimeout)
		defer cancel()
	}
	cmd := exec.CommandContext(ctx, v.path, append([]string{"-kernel", vimtoKernel(kernel), "exec", "--"}, args...)...)
	cmd.Stdout, cmd.Stderr = stdout, stderr
	cmd.Env = append(os.Environ(), v.environment(kernel)...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	err = cmd.Run()
	if ctx.Err() != nil {
		return 0, context.Cause(ctx)
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Exited() {
		return exit.ExitCode(), nil
	}
	return 0, err
}

func (v *Vimto) environment(kernel string) []string {
	env := []string{"SYNWATCH_VM=1", "SYNWATCH_KERNEL=" + VimtoName(kernel)}
	if v.wrapper != "" {
		env = append(env, "VIMTO_DISABLE_KVM=true", "PATH="+v.wrapper+":"+os.Getenv("PATH"))
	}
	return slices.Concat(env, v.Env)
}

// vimtoKernel is a kernel as vimto is told of it: a tag is one of the image in
// .vimto.toml.
func vimtoKernel(kernel string) string {
	if strings.ContainsAny(kernel, "/:") {
		return kernel
	}
	return ":" + kernel
}

// VimtoName is what a kernel is called in a table: its tag, or that of its path that
// says most.
func VimtoName(kernel string) string {
	path, tag, tagged := strings.Cut(filepath.Base(kernel), ":")
	if tagged {
		return tag
	}
	if path == "vmlinuz" || path == "vmlinux" {
		path = filepath.Base(strings.TrimSuffix(filepath.Dir(kernel), "/boot"))
	}
	return path
}
