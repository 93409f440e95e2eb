// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"fmt"
	"os"
	"time"
)

// Unit is what CPU time is measured in.
type Unit string

const (
	// Microseconds are those of a processor.
	Microseconds Unit = "µs"
	// EmulatedMicroseconds are those that an emulator takes.
	EmulatedMicroseconds Unit = "emulated µs"
	// Instructions are those of a virtual machine in which each takes a nanosecond.
	Instructions Unit = "instructions"
)

// UnitHere is the unit of this machine. Package vm tells its machines what they run on.
func UnitHere() Unit {
	switch os.Getenv("SYNWATCH_ACCEL") {
	case "icount":
		return Instructions
	case "tcg":
		return EmulatedMicroseconds
	}
	return Microseconds
}

// kernelHere is the kernel of a virtual machine and its package, as package vm tells it.
func kernelHere() (name, origin string) {
	return os.Getenv("SYNWATCH_KERNEL"), os.Getenv("SYNWATCH_KERNEL_PACKAGE")
}

// meaning is a sentence about the unit.
func (u Unit) meaning() string {
	switch u {
	case Instructions:
		return "Costs are instructions: the machine's clock counts them, and caches do not matter."
	case EmulatedMicroseconds:
		return "Costs are microseconds of an emulated CPU: compare ratios of one run only."
	}
	return "Costs are microseconds of CPU time."
}

// of is a time of the machine's clock in the unit.
func (u Unit) of(t time.Duration) float64 {
	if u == Instructions {
		return float64(t)
	}
	return float64(t) / float64(time.Microsecond)
}

// show writes a cost, "-" if it is 0.
func (u Unit) show(cost float64) string {
	if u == Instructions {
		return number("%.0f", cost)
	}
	return number("%.3f", cost)
}

// showRun writes the cost of a short run, such as that of a BPF program.
func (u Unit) showRun(t time.Duration, runs uint64) string {
	unit := "ns"
	if u == Instructions {
		unit = string(u)
	}
	return fmt.Sprintf("%.0f %s", per(float64(t), float64(runs)), unit)
}
