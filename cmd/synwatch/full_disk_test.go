// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/synwatch/synwatch/pkg/capture"
	"github.com/synwatch/synwatch/pkg/needs"
	"github.com/synwatch/synwatch/pkg/state"
	"golang.org/x/sys/unix"
)

// smallDisk is a directory of a file system of its own, of so many bytes. It is mounted
// nowhere, and gone with the test.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	needs.Root(t)
	fs, err := unix.Fsopen("tmpfs", unix.FSOPEN_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fs)
	if err := errors.Join(unix.FsconfigSetString(fs, "size", size), unix.FsconfigCreate(fs)); err != nil {
		t.Fatal(err)
	}
	root, err := unix.Fsmount(fs, unix.FSMOUNT_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(root) })
	return fmt.Sprintf("/proc/self/fd/%d", root)
}

// A full disk ends the run with an error and the summary, and what was written can be read.
func TestFullDisk(t *testing.T) {
	for _, test := range []struct {
		name    string
		args    []string
		damaged uint64 // lines, at most
	}{
		{"drops.json", nil, 0},
		{"drops.json.gz", nil, 1},
		{"drops.json.zst", nil, 1},
		{"drops.json", []string{"--rotate-size", "64K"}, 0},
		{"drops.json.gz", []string{"--rotate-size", "64K"}, 1},
	} {
		t.Run(strings.Join(append([]string{test.name}, test.args...), " "), func(t *testing.T) {
			path := filepath.Join(smallDisk(t, "192k"), test.name)
			const drops = 60000
			got := command(t, fakeOfMany(drops), append([]string{"trace", "--json", "--duration", "1s", "-o", path}, test.args...)...)
			end := fmt.Sprintf("\nsynwatch: write output: write %s: no space left on device\n", path)
			if got.status != exitFailed || !strings.HasSuffix(got.stderr, end) || !strings.Contains(got.stderr, fmt.Sprintf("\n%d drops in ", drops)) {
				t.Errorf("%d, stderr:\n%s", got.status, got.stderr)
			}
			s := state.New()
			stats, err := capture.ReadFiles(filesOf(t, path), nil, s, capture.Options{})
			if err != nil || stats.Skipped > test.damaged {
				t.Errorf("%+v, %v", stats, err)
			}
			// At 300 bytes a line, or less.
			if n := s.Snapshot(time.Time{}).Drops; n < 400 || n >= drops {
				t.Errorf("%d drops are read back", n)
			}
		})
	}
}

// The last that is written, as the end of compressed data is, may be what finds no room.
func TestFullDiskAtTheEnd(t *testing.T) {
	for _, name := range []string{"/dev/full", "out.gz"} {
		path := name
		if name == "out.gz" {
			path = filepath.Join(t.TempDir(), name)
			if err := unix.Mknod(path, unix.S_IFCHR|0o600, int(unix.Mkdev(1, 7))); err != nil { // /dev/full
				needs.Root(t)
				t.Fatal(err)
			}
		}
		got := command(t, newFake(), "trace", "-q", "-o", path, "--duration", "1s")
		end := "\nsynwatch: write output: write " + path + ": no space left on device\n"
		if got.status != exitFailed || !strings.HasPrefix(got.stderr, "6 drops in") || !strings.HasSuffix(got.stderr, end) {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}

// full is a writer with room for so many bytes.
type full struct {
	bytes.Buffer
	room int
}

func (f *full) Write(b []byte) (int, error) {
	n, _ := f.Buffer.Write(b[:min(len(b), f.room)])
	f.room -= n
	if n < len(b) {
		return n, syscall.ENOSPC
	}
	return n, nil
}

// Standard output may be a file on a full disk.
func TestFullStdout(t *testing.T) {
	all := len(command(t, newFake(), "trace", "--json", "--duration", "1s").stdout)
	for room := 0; room <= all; room += all / 8 {
		stdout, stderr := full{room: min(room, all-1)}, bytes.Buffer{}
		status := run(t.Context(), fakeEnv(newFake(), &stdout, &stderr), []string{"trace", "--json", "--duration", "1s"})
		end := "\nsynwatch: write output: no space left on device\n"
		if status != exitFailed || strings.Count(stderr.String(), "\n6 drops in") != 1 || !strings.HasSuffix(stderr.String(), end) {
			t.Errorf("%d of %d bytes: %d, %s", room, all, status, stderr.String())
		}
	}
}
