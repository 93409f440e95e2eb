// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"errors"
	"fmt"
	"os"

	"github.com/synwatch/synwatch/pkg/netns"
	"golang.org/x/sys/unix"
)

const featMPTCP = "MPTCP"

// Options of a SYN (RFC 7413, 8684): the request of a cookie for Fast Open, and
// MP_CAPABLE, version 1 with HMAC-SHA256.
var (
	fastOpen  = option{kind: 34}
	mpCapable = option{kind: 30, data: "\x01\x01"}
)

// acceptQueueFullFastOpen: the option makes no difference to a full queue.
func acceptQueueFullFastOpen(b *bench) Expect {
	ln := b.listenWith(1, 0, func(fd int) error {
		return joinErr("set TCP_FASTOPEN", unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_FASTOPEN, 8))
	})
	return b.overfillAndSYN(ln, fastOpen)
}

// acceptQueueFullMPTCP: net/mptcp/subflow.c:subflow_v4_conn_request leaves the
// queue to tcp_conn_request.
func acceptQueueFullMPTCP(b *bench) Expect {
	return b.overfillAndSYN(b.listenWith(1, unix.IPPROTO_MPTCP, nil), mpCapable)
}

func (b *bench) overfillAndSYN(ln *listener, o option) Expect {
	b.overfill(ln)
	clients := b.clients()
	b.synsWith(clients, ln.addr, segment{option: o})
	return b.expect("accept-queue-full", "syn", ln.addr, clients, overflows(len(clients)))
}

func probeMPTCP(ns *os.File) error {
	return netns.Inside(ns, func() error {
		fd, err := socket(V4, unix.IPPROTO_MPTCP)
		if errors.Is(err, unix.EPROTONOSUPPORT) {
			return fmt.Errorf("the kernel is built without it: %w", err)
		}
		return errors.Join(err, closeAll(fd))
	})
}
