// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"errors"
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// onThread runs fn on a thread of its own that dies with it, so that whatever
// enter does to the thread (its network namespace, its CPU) is never undone and
// never seen by another goroutine.
func onThread(enter, fn func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		if unix.Gettid() == unix.Getpid() {
			// The main thread is what /proc/self shows and cannot be ended.
			// While it is held here the next goroutine gets another one.
			done <- onThread(enter, fn)
			runtime.UnlockOSThread()
			return
		}
		if err := enter(); err != nil {
			done <- err
			return
		}
		done <- fn()
	}()
	return <-done
}

// inNetns runs fn on a throw-away thread in a network namespace.
func inNetns(ns *os.File, fn func() error) error {
	return onThread(func() error { return setns(ns) }, fn)
}

func setns(ns *os.File) error {
	if err := unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("enter network namespace: %w", err)
	}
	return nil
}

// newNetns makes a network namespace that lives as long as something holds it:
// the returned file, a socket, a thread.
func newNetns() (ns *os.File, err error) {
	unshare := func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("new network namespace: %w", err)
		}
		return nil
	}
	err = onThread(unshare, func() error {
		ns, err = os.Open("/proc/thread-self/ns/net")
		return err
	})
	return ns, err
}

// netnsInode is the number by which the kernel and /proc name a namespace.
func netnsInode(ns *os.File) (uint32, error) {
	var st unix.Stat_t
	if err := unix.Fstat(int(ns.Fd()), &st); err != nil {
		return 0, fmt.Errorf("stat network namespace: %w", err)
	}
	return uint32(st.Ino), nil
}

// allowedCPUs are the CPUs that this process may run on.
func allowedCPUs() ([]int, error) {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return nil, fmt.Errorf("read CPU affinity: %w", err)
	}
	var cpus []int
	for cpu := 0; cpu < len(set)*64; cpu++ {
		if set.IsSet(cpu) {
			cpus = append(cpus, cpu)
		}
	}
	if len(cpus) == 0 {
		return nil, errors.New("read CPU affinity: no CPU")
	}
	return cpus, nil
}

// PinTo keeps the calling thread, which must be locked, on one CPU.
func PinTo(cpu int) error {
	var set unix.CPUSet
	set.Set(cpu)
	if err := unix.SchedSetaffinity(0, &set); err != nil {
		return fmt.Errorf("pin to CPU %d: %w", cpu, err)
	}
	return nil
}
