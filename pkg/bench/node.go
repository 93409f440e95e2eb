// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Node is a machine with many processes and network namespaces, in which nothing happens.
type Node struct {
	Processes, Namespaces int
	// Lasts is when its processes end by themselves, should nobody end them.
	Lasts time.Duration

	pids []int
}

// Populate makes the namespaces and starts the processes, an equal share in each.
func (n *Node) Populate() error {
	for i := range n.Namespaces {
		share := n.Processes*(i+1)/n.Namespaces - n.Processes*i/n.Namespaces
		err := netns.InsideNew(func() error { return errors.Join(loopbackUp(), n.sleepers(share, n.Lasts)) })
		if err != nil {
			return err
		}
	}
	if n.Namespaces > 0 {
		return nil
	}
	return n.sleepers(n.Processes, n.Lasts)
}

// sleepers starts processes in the calling thread's namespace that only sleep.
func (n *Node) sleepers(number int, lasts time.Duration) error {
	for range number {
		pid, err := sleeper(lasts)
		if err != nil {
			return err
		}
		n.pids = append(n.pids, pid)
	}
	return nil
}

// sleeper starts one. Of an os.Process there would be an open file each.
func sleeper(lasts time.Duration) (pid int, err error) {
	pid, err = syscall.ForkExec("/bin/sleep", []string{"sleep", fmt.Sprint(lasts.Seconds())}, &syscall.ProcAttr{Env: os.Environ()})
	if err != nil {
		return 0, fmt.Errorf("start a process: %w", err)
	}
	return pid, nil
}

// Close ends the processes, with which the namespaces go.
func (n *Node) Close() error {
	var errs []error
	for _, pid := range n.pids {
		errs = append(errs, unix.Kill(pid, unix.SIGKILL))
	}
	for _, pid := range n.pids {
		_, err := unix.Wait4(pid, nil, 0, nil)
		errs = append(errs, err)
	}
	n.pids = nil
	return errors.Join(errs...)
}

// refuse makes a namespace with a process that lasts a while, in which a connection to a
// port is refused, and says when that was.
func (n *Node) refuse(port uint16, lasts time.Duration) (at time.Time, err error) {
	err = netns.InsideNew(func() error {
		if err := loopbackUp(); err != nil {
			return err
		}
		if err := n.sleepers(1, lasts); err != nil {
			return err
		}
		at = time.Now()
		c, err := net.Dial("tcp4", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			err = errors.Join(errors.New("a connection was accepted that was to be refused"), c.Close())
		}
		if errors.Is(err, unix.ECONNREFUSED) {
			err = nil
		}
		return err
	})
	return at, err
}

func loopbackUp() error {
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return fmt.Errorf("find the loopback interface: %w", err)
	}
	return netlink.LinkSetUp(lo)
}
