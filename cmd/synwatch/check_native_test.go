// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/synwatch/synwatch/pkg/needs"
	"github.com/synwatch/synwatch/pkg/provoke"
	"golang.org/x/sys/unix"
)

// TestCheckFindsAFullAcceptQueue fills the queue of a listener that never
// accepts, in a namespace of its own.
func TestCheckFindsAFullAcceptQueue(t *testing.T) {
	needs.Root(t)
	for name, test := range map[string]struct {
		backlog, somaxconn int
		says               string
	}{
		"the application's backlog": {1, 4096, "the application's backlog of 1 binds, not somaxconn (4096)"},
		"somaxconn":                 {100, 2, "exactly as long as somaxconn, which probably cuts off"},
	} {
		t.Run(name, func(t *testing.T) {
			lab, err := provoke.NewLab(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer lab.Close()
			if err := lab.ServerDo(func() error { return overfill(t, test.backlog, test.somaxconn) }); err != nil {
				t.Fatal(err)
			}
			x := awaitFinding(t, lab.Netns(), "accept-queue-full")
			owner := fmt.Sprintf("[%d] on 127.0.0.1:", os.Getpid())
			if !strings.Contains(x.Title, owner) || x.Netns != lab.Netns() {
				t.Errorf("%+v", x)
			}
			if whys := fmt.Sprint(x.Changes); !strings.Contains(whys, test.says) {
				t.Errorf("no %q in %s", test.says, whys)
			}
		})
	}
}

// overfill listens and connects until the queue holds one more than its limit
// and a SYN has been dropped.
func overfill(t *testing.T, backlog, somaxconn int) error {
	if err := os.WriteFile("/proc/sys/net/core/somaxconn", []byte(fmt.Sprint(somaxconn)), 0o644); err != nil {
		return err
	}
	socket := func(flags int) int {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|flags, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { unix.Close(fd) })
		return fd
	}
	ln := socket(0)
	loopback := &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}
	if err := errors.Join(unix.Bind(ln, loopback), unix.Listen(ln, backlog)); err != nil {
		return err
	}
	at, err := unix.Getsockname(ln)
	if err != nil {
		return err
	}
	for range min(backlog, somaxconn) + 1 {
		if err := unix.Connect(socket(0), at); err != nil {
			return err
		}
	}
	if err := unix.Connect(socket(unix.SOCK_NONBLOCK), at); !errors.Is(err, unix.EINPROGRESS) {
		return fmt.Errorf("connect to a full queue: %w", err)
	}
	return nil
}

// found is a finding as JSON has it.
type found struct {
	ID, Severity, Title string
	Netns               uint32
	Changes             []map[string]string
}

// awaitFinding runs check until it finds what is to be found. The last of the
// handshakes may not be over yet.
func awaitFinding(t *testing.T, netns uint32, id string) found {
	t.Helper()
	var out, stderr bytes.Buffer
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		out.Reset()
		e := realEnv()
		e.stdout, e.stderr = &out, &stderr
		status := run(t.Context(), e, []string{"check", "--json", "--netns", fmt.Sprint(netns)})
		for line := range strings.Lines(out.String()) {
			var x found
			if err := json.Unmarshal([]byte(line), &x); err != nil {
				t.Fatal(err)
			}
			if x.ID == id && x.Severity == "critical" && status == exitCritical {
				return x
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("no critical %s in %s%s", id, out.String(), stderr.String())
	return found{}
}
