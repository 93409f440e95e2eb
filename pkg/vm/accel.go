// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"
)

// kvmLimit is how long a kernel may take to init's hello under KVM, where it takes
// one to two seconds, before KVM counts as one that does not work.
const kvmLimit = 6 * time.Second

// accelAnswer is what a trial of KVM found, good until the host boots anew.
type accelAnswer struct {
	BootID string `json:"boot_id"`
	KVM    bool   `json:"kvm"`
	Why    string `json:"why,omitempty"`
}

const accelFile = "accel.json"

// The ways to run a machine. "icount" is "tcg" on one thread with a clock that counts
// instructions: one is a nanosecond, and time in which the machine has nothing to do is
// skipped.
const (
	accelAuto   = "auto"
	accelKVM    = "kvm"
	accelTCG    = "tcg"
	accelICount = "icount"
)

// chooseAccel returns the way to run a machine if that is left to it: KVM or TCG. That /dev/kvm is there says little: nested
// virtualisation may refuse, or hang a stock kernel at boot. So it is tried, once.
//
// The trial has no modules, so it needs serial ports: a platform without them is
// emulated unless it is said otherwise.
func chooseAccel(ctx context.Context, cfg Config, p *platform, program []byte) (string, error) {
	switch cfg.Accel {
	case accelKVM:
		if !p.native() {
			return "", fmt.Errorf("accel kvm: this host cannot run %s kernels itself, want tcg", p.arch)
		}
		return cfg.Accel, nil
	case accelTCG:
		return cfg.Accel, nil
	case accelICount:
		if cfg.CPUs > 1 {
			return "", fmt.Errorf("accel icount: %d processors, want 1", cfg.CPUs)
		}
		return cfg.Accel, nil
	case accelAuto:
	default:
		return "", fmt.Errorf("accel %q: want auto, kvm, tcg or icount", cfg.Accel)
	}
	if !p.native() || !p.serial {
		return accelTCG, nil
	}
	f, err := os.OpenFile("/dev/kvm", os.O_RDWR, 0)
	if err != nil {
		return accelTCG, nil
	}
	f.Close()
	unlock, err := cfg.Cache.lock("accel")
	if err != nil {
		return "", err
	}
	defer unlock()
	answer, ok := cfg.Cache.accel()
	if !ok {
		if answer, err = tryKVM(ctx, cfg, p, program); err != nil {
			return "", err
		}
		cfg.Cache.saveAccel(answer)
		fmt.Fprintf(cfg.Log, "vm: KVM works here: %t %s\n", answer.KVM, answer.Why)
	}
	if answer.KVM {
		return accelKVM, nil
	}
	return accelTCG, nil
}

// tryKVM boots the kernel with nothing but init and waits for its hello.
func tryKVM(ctx context.Context, cfg Config, p *platform, program []byte) (accelAnswer, error) {
	answer := accelAnswer{BootID: bootID()}
	fs := newInitramfs()
	fs.addInit(program)
	var archive bytes.Buffer
	if err := fs.writeTo(&archive); err != nil {
		return answer, err
	}
	trial := Config{Kernel: cfg.Kernel, BootTimeout: kvmLimit}.withDefaults()
	m := machine{
		platform: p, accel: accelKVM, cpus: cfg.CPUs, memory: "512M", image: cfg.Kernel.Image,
		cmdline: p.kernelCmdline(accelKVM, false, ""),
	}
	tryCtx, cancel := context.WithCancel(ctx)
	defer cancel()
	trial.OnHello = func(string, string, time.Duration) {
		answer.KVM = true
		cancel()
	}
	_, err := boot(tryCtx, trial, m, archive.Bytes())
	if ctx.Err() != nil {
		return answer, ctx.Err()
	}
	if !answer.KVM && err != nil {
		dead, ok := err.(*DeadError)
		if !ok {
			return answer, err
		}
		answer.Why = "(" + dead.Why + ")"
	}
	return answer, nil
}

func bootID() string {
	id, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return strings.TrimSpace(string(id))
}

func (c Cache) accel() (accelAnswer, bool) {
	var a accelAnswer
	data, err := os.ReadFile(c.path(accelFile))
	if err != nil || json.Unmarshal(data, &a) != nil {
		return a, false
	}
	return a, a.BootID == bootID()
}

func (c Cache) saveAccel(a accelAnswer) {
	if data, err := json.Marshal(a); err == nil {
		os.WriteFile(c.path(accelFile), append(data, '\n'), 0o644)
	}
}
