// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
)

// running is a command that goes on.
type running struct {
	stdout, stderr bytes.Buffer
	in             *io.PipeWriter
	interrupt      context.CancelFunc
	status         chan int
}

func (r *running) wait(t *testing.T) int {
	t.Helper()
	select {
	case status := <-r.status:
		return status
	case <-time.After(time.Minute):
		t.Fatal("it does not end")
		return 0
	}
}

func startReport(t *testing.T, args ...string) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	in, out := io.Pipe()
	r := &running{in: out, interrupt: cancel, status: make(chan int, 1)}
	e := fakeEnv(newFake(), &r.stdout, &r.stderr)
	e.stdin, e.growth = in, growth{rewrite: 5 * time.Millisecond, grace: 50 * time.Millisecond}
	go func() { r.status <- run(ctx, e, append([]string{"report"}, args...)) }()
	return r
}

func (r *running) send(t *testing.T, text string) {
	t.Helper()
	if _, err := io.WriteString(r.in, text); err != nil {
		t.Fatal(err)
	}
}

// becomes waits until a file has some words.
func becomes(t *testing.T, path, want string) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		b, err := os.ReadFile(path)
		if strings.Contains(string(b), want) {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s never has %q: %v, %.300s", path, want, err, b)
		}
	}
}

// The report of a pipe is there before the pipe ends, and whole whenever it is read.
func TestReportGrows(t *testing.T) {
	dir := t.TempDir()
	page := filepath.Join(dir, "page.html")
	r := startReport(t, "-", captureFile(t, filepath.Join(dir, "other.json"), outageOn("web2")), "--html", page, "--markdown")
	r.send(t, fmt.Sprintf(startLine, "web1"))
	becomes(t, page, "<h1>6 drops on 2 hosts")
	becomes(t, page, "the capture still grows")
	r.send(t, fmt.Sprintf(dropLine, 1))
	becomes(t, page, "<h1>9 drops on 2 hosts")
	if got := readFile(t, page); !strings.HasSuffix(got, "</html>\n") {
		t.Errorf("it ends with %q", got[len(got)-40:])
	}
	r.send(t, fmt.Sprintf(dropLine, 2)+fmt.Sprintf(summaryLine, 6))
	r.in.Close()
	if status := r.wait(t); status != exitFine || r.stderr.String() != "synwatch: wrote "+page+"\n" {
		t.Errorf("status %d, %q", status, r.stderr.String())
	}
	if got := readFile(t, page); !strings.Contains(got, "<h1>12 drops on 2 hosts") || strings.Contains(got, "still grows") {
		t.Error("the last report is not that of the whole")
	}
	if n := strings.Count(r.stdout.String(), "12 drops on 2 hosts"); n != 1 || strings.Contains(r.stdout.String(), "9 drops") {
		t.Errorf("the standard output has it %d times:\n%s", n, r.stdout.String())
	}
	onlyFiles(t, dir, "other.json", "page.html")
}

// Ctrl-C reaches trace as well, the last lines of which are waited for.
func TestReportInterruptedReadsToTheEnd(t *testing.T) {
	page := filepath.Join(t.TempDir(), "page")
	r := startReport(t, "-", "-o", page)
	r.send(t, fmt.Sprintf(startLine, "web1")+fmt.Sprintf(dropLine, 1))
	becomes(t, page, "3 drops on web1")
	r.interrupt()
	r.send(t, fmt.Sprintf(dropLine, 2)+fmt.Sprintf(summaryLine, 6))
	r.in.Close()
	if status := r.wait(t); status != exitFine || !strings.Contains(readFile(t, page), "6 drops on web1") || strings.Contains(r.stderr.String(), "goes on") {
		t.Errorf("status %d, %q, %s", status, r.stderr.String(), readFile(t, page))
	}
}

// A pipe that goes on all the same is not waited for.
func TestReportInterruptedOfAPipeThatGoesOn(t *testing.T) {
	page := filepath.Join(t.TempDir(), "page")
	r := startReport(t, "-", "-o", page)
	r.send(t, fmt.Sprintf(startLine, "web1")+fmt.Sprintf(dropLine, 1))
	becomes(t, page, "3 drops on web1")
	r.interrupt()
	if status := r.wait(t); status != exitFine || !strings.Contains(r.stderr.String(), "the standard input goes on") || !strings.Contains(readFile(t, page), "3 drops on web1") {
		t.Errorf("status %d, %q", status, r.stderr.String())
	}
}

// A file that cannot be replaced now is said once, and the reading goes on.
func TestReportOutlivesAFullDisk(t *testing.T) {
	r := startReport(t, "-", "-o", "/dev/full", "--html", filepath.Join(t.TempDir(), "page"))
	for i := range 5 {
		r.send(t, fmt.Sprintf(startLine, "web1")+fmt.Sprintf(dropLine, i))
		time.Sleep(10 * time.Millisecond)
	}
	r.in.Close()
	if status := r.wait(t); status != exitFailed || strings.Count(r.stderr.String(), "no space left on device") > 2 {
		t.Errorf("status %d, %q", status, r.stderr.String())
	}
}

// An interrupted report of files leaves nothing behind.
func TestReportInterrupted(t *testing.T) {
	dir := t.TempDir()
	fifo := filepath.Join(dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	r := startReport(t, fifo, "--html", filepath.Join(dir, "page"))
	w, err := os.OpenFile(fifo, os.O_WRONLY, 0) // when it is being read
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	r.interrupt()
	if status := r.wait(t); status != exitFailed || r.stderr.String() != "synwatch: interrupted; nothing was written\n" {
		t.Errorf("status %d, %q", status, r.stderr.String())
	}
	onlyFiles(t, dir, "fifo")
}

// On a terminal a bar shows how far it is, which is gone before anything else is said.
func TestReportProgress(t *testing.T) {
	terminal, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer terminal.Close()
	file := captureFile(t, filepath.Join(t.TempDir(), "a.json"), strings.Repeat("x", 1000))
	e := fakeEnv(newFake(), io.Discard, tty)
	p := e.newProgress([]string{file, "-"})
	if p.bar == nil {
		t.Fatal("no bar on a terminal")
	}
	if _, err := io.CopyN(io.Discard, p.reader(file, strings.NewReader(strings.Repeat("x", 1000))), 500); err != nil {
		t.Fatal(err)
	}
	p.say("line 7")
	p.bar.Write()
	p.finish()
	p.finish()
	tty.Close()
	b, _ := io.ReadAll(terminal) // EIO at the end
	got := string(b)
	if bar, said := strings.LastIndex(got, "50.00%"), strings.Index(got, "\rsynwatch: line 7\r\n"); bar < 0 || said < bar {
		t.Errorf("got %q", got)
	}
	e.environ = []string{"TERM=dumb"}
	if p := e.newProgress([]string{file}); p.bar != nil {
		t.Error("a bar on a dumb terminal")
	}
	if p := fakeEnv(newFake(), io.Discard, io.Discard).newProgress([]string{file}); p.bar != nil {
		t.Error("a bar without a terminal")
	}
}
