// SPDX-License-Identifier: Apache-2.0

// Package needs skips tests where the machine lacks what they need. It finds out by
// itself whether it does, so that a skip cannot hide a failure; no test skips in
// another way. Each skip is also a line of stdout,
//
//	skip: {"test":"TestKernelStress","reason":"root","why":"needs root"}
//
// of which testsum makes the sum.
package needs

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/synwatch/synwatch/pkg/proc"
)

// Reason is the kind of thing that a skipped test needs.
type Reason string

// The reasons to skip a test.
const (
	reasonRoot      Reason = "root"
	reasonShort     Reason = "time (-short)"
	reasonFew       Reason = "time (on few kernels)"
	reasonVM        Reason = "throw-away VM"
	reasonCPUs      Reason = "more CPUs"
	reasonByteOrder Reason = "little-endian machine"
	reasonProgram   Reason = "program"
	reasonSource    Reason = "source tree"
	reasonFile      Reason = "kernel file"
	reasonFeature   Reason = "feature"
	reasonHooks     Reason = "hooks"
)

// Prefix starts the line of a skip.
const Prefix = "skip: "

// Skip is what the line of a skip says.
type Skip struct {
	Test   string `json:"test"`
	Reason Reason `json:"reason"`
	Why    string `json:"why"`
}

var stdout io.Writer = os.Stdout

func skip(t testing.TB, reason Reason, why string) {
	t.Helper()
	line, err := json.Marshal(Skip{t.Name(), reason, why})
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(stdout, "%s%s\n", Prefix, line)
	t.Skipf("%s: %s", reason, why)
}

// Root skips a test of ordinary users, and one that is to be short: what needs root
// makes network namespaces and traces, and takes its time.
func Root(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		skip(t, reasonRoot, "network namespaces and BPF need root")
	}
	if testing.Short() {
		skip(t, reasonShort, "network namespaces and BPF are not for -short")
	}
}

// InVM says that the machine was started for the test, as the project's VM runner and
// vimto do.
func InVM() bool { return proc.ThrowAwayVM() }

// VM skips a test that changes the whole machine, unless that is the test's own.
func VM(t testing.TB) {
	t.Helper()
	Root(t)
	if !InVM() {
		skip(t, reasonVM, "this changes the whole machine")
	}
}

// fewKernels are the oldest of the matrix, the one in the middle and the newest.
var fewKernels = []string{"5.10", "6.12", "7.x"}

// FewKernels has a test run natively and on few kernels of the matrix: it takes long
// where the machine is emulated, and looks at what no kernel does in its own way.
func FewKernels(t testing.TB) {
	t.Helper()
	// The name that the project's VM runner gives the kernel.
	if name := os.Getenv("SYNWATCH_KERNEL"); name != "" && !slices.Contains(fewKernels, name) {
		skip(t, reasonFew, "runs on "+strings.Join(fewKernels, ", "))
	}
}

// CPUs skips a test of a machine that has fewer.
func CPUs(t testing.TB, n int) {
	t.Helper()
	if has := runtime.NumCPU(); has < n {
		skip(t, reasonCPUs, fmt.Sprintf("%d of %d", has, n))
	}
}

// LittleEndian skips a test of bytes that were captured on a little-endian machine.
func LittleEndian(t testing.TB) {
	t.Helper()
	if binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		skip(t, reasonByteOrder, runtime.GOARCH)
	}
}

// Program skips a test that runs the first of these programs that is there, whose
// path it returns.
func Program(t testing.TB, names ...string) string {
	t.Helper()
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	skip(t, reasonProgram, names[0])
	return ""
}

// Browser skips a test that opens a page where there is no Chromium, whose path it
// returns, and one that is to be short.
func Browser(t testing.TB) string {
	t.Helper()
	if testing.Short() {
		skip(t, reasonShort, "a browser is not for -short")
	}
	return Program(t, "chromium", "chromium-headless-shell", "google-chrome")
}

// Source skips a test of a file of the repository inside a VM, into which only the
// package is copied.
func Source(t testing.TB, path string) {
	t.Helper()
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) && InVM() {
		skip(t, reasonSource, path)
	}
}

// File skips a test that needs a file of the kernel's, in /proc or /sys.
func File(t testing.TB, path string) {
	t.Helper()
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		skip(t, reasonFile, path)
	}
}

// Able skips a test that got the error cannot, by which a package says that this
// machine or kernel lacks a feature. Any other error fails the test, as does a lack of
// privilege where there is root.
func Able(t testing.TB, err, cannot error) {
	t.Helper()
	switch {
	case err == nil:
	case !errors.Is(err, cannot), os.Geteuid() == 0 && errors.Is(err, os.ErrPermission):
		t.Fatal(err)
	default:
		skip(t, reasonFeature, err.Error())
	}
}

// Hooks skips the rest of a test, of something that does not show, where the running
// kernel has hooks that cannot be attached. In a VM it fails: the kernels on which
// the tests are run show all that is left out in this way.
func Hooks(t testing.TB, shown bool, unavailable string) {
	t.Helper()
	switch {
	case shown:
	case InVM():
		t.Fatalf("the kernel does not show it: %s", unavailable)
	case unavailable == "":
		t.Fatal("every hook is attached, and it does not show")
	default:
		skip(t, reasonHooks, unavailable)
	}
}
