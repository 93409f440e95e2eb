// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// asProgram is set in the environment of a test binary that acts as the program after
// which it is named: synwatch in a test under floods, the servers of an outage.
const asProgram = "SYNWATCH_TEST_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) == "" {
		os.Exit(m.Run())
	}
	var err error
	switch name := filepath.Base(os.Args[0]); name {
	case "synwatch":
		go panicWhenAsked()
		os.Exit(untilSignal(testEnv(), os.Args[1:]))
	case "mysqld":
		err = neverAccept(os.Args[1], os.Args[2])
	case "httpd":
		err = acceptAndClose(os.Args[1])
	case "conntrack":
		err = deleteEntries(os.Args[1:])
	default:
		err = fmt.Errorf("no program %s", name)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// neverAccept listens and accepts no connection.
func neverAccept(addr, backlog string) error {
	to := netip.MustParseAddrPort(addr)
	n, err := strconv.Atoi(backlog)
	if err != nil {
		return err
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err != nil {
		return err
	}
	if err := errors.Join(unix.Bind(fd, &unix.SockaddrInet4{Addr: to.Addr().As4(), Port: int(to.Port())}), unix.Listen(fd, n)); err != nil {
		return err
	}
	fmt.Println("listening")
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// acceptAndClose accepts every connection and closes it at once, so that the server
// keeps it in TIME_WAIT.
func acceptAndClose(addr string) error {
	l, err := net.Listen("tcp4", addr)
	if err != nil {
		return err
	}
	fmt.Println("listening")
	for {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		if err := c.Close(); err != nil {
			return err
		}
	}
}

// deleteEntries does what conntrack -D of conntrack-tools does, for machines without
// it. It understands the options that synwatch prints.
func deleteEntries(args []string) error {
	f := flag.NewFlagSet("conntrack", flag.ContinueOnError)
	del := f.Bool("D", false, "delete")
	family, src := f.String("f", "", "ipv4"), f.String("s", "", "a prefix")
	proto, state := f.String("p", "", "tcp"), f.String("state", "", "a state")
	if err := f.Parse(args); err != nil {
		return err
	}
	prefix, err := netip.ParsePrefix(*src)
	if err != nil || !*del || *family != "ipv4" || *proto != "tcp" || *state != "ESTABLISHED" {
		return fmt.Errorf("conntrack %q: %w", args, errors.Join(errors.ErrUnsupported, err))
	}
	n, err := netlink.ConntrackDeleteFilters(netlink.ConntrackTable, netlink.FAMILY_V4, established{prefix})
	fmt.Fprintf(os.Stderr, "%d flow entries have been deleted.\n", n)
	return err
}

type established struct{ src netip.Prefix }

func (e established) MatchConntrackFlow(flow *netlink.ConntrackFlow) bool {
	src, _ := netip.AddrFromSlice(flow.Forward.SrcIP)
	tcp, ok := flow.ProtoInfo.(*netlink.ProtoInfoTCP)
	return e.src.Contains(src.Unmap()) && ok && tcp.State == 3 // TCP_CONNTRACK_ESTABLISHED
}

// serve starts a server program on a machine and waits until it listens. It
// returns its process ID.
func (m *machines) serve(on, name string, args ...string) int {
	m.Helper()
	cmd := m.program(name, args...)
	cmd.Stderr = os.Stderr
	_, err := cmd.StdinPipe() // ends with the test
	m.must(err)
	out, err := cmd.StdoutPipe()
	m.must(err)
	m.start(on, cmd)
	m.Cleanup(func() { _, _ = cmd.Process.Kill(), cmd.Wait() })
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		m.Fatalf("%s: %q, %v", name, line, err)
	}
	return cmd.Process.Pid
}

// synwatch runs a command to its end on a machine.
func (m *machines) synwatch(on string, args ...string) (stdout string, status int) {
	m.Helper()
	cmd := m.program("synwatch", args...)
	var out, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &stderr
	m.start(on, cmd)
	err := cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		m.Fatal(err)
	}
	m.Logf("# synwatch %s\n%s%s(exit status %d)", strings.Join(args, " "), out.String(), stderr.String(), cmd.ProcessState.ExitCode())
	return out.String(), cmd.ProcessState.ExitCode()
}
