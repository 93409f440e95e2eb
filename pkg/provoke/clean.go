// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"time"

	"github.com/synwatch/synwatch/pkg/sockets"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// clean ends all that the run began, without a packet that the server would
// drop: also when the run failed or was cancelled.
func (b *bench) clean() error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(b.ctx), 30*time.Second)
	defer cancel()
	errs := []error{b.hangUp(ctx), b.forgetRequests(ctx)}
	for _, undo := range slices.Backward(b.undo) {
		errs = append(errs, undo())
	}
	errs = append(errs, b.wire.close())
	return errors.Join(errs...)
}

// hangUp closes the listeners first: the kernel resets what is in their accept
// queues. A client that closed first could cross that and send a last segment
// to no socket, a drop of its own.
func (b *bench) hangUp(ctx context.Context) (err error) {
	waiting := 0
	for _, ln := range b.listeners {
		n, _ := ln.queued()
		waiting += n
		err = errors.Join(err, closeAll(ln.fd))
	}
	for _, fd := range b.dialed {
		if waiting > 0 {
			err = errors.Join(err, pollFD(ctx, fd, unix.POLLHUP))
		}
		err = errors.Join(err, closeAll(fd))
	}
	return err
}

// forgetRequests ends the request sockets that raw SYNs left behind. Without
// SOCK_DESTROY (CONFIG_INET_DIAG_DESTROY, module tcp_diag) they live until
// their timer finds the listener closed, a second or so
// (net/ipv4/inet_connection_sock.c:reqsk_timer_handler).
func (b *bench) forgetRequests(ctx context.Context) (err error) {
	if len(b.requests) == 0 {
		return nil
	}
	err = errors.Join(b.ServerDo(b.destroyRequests), b.atBackend(b.destroyRequests))
	if err == nil {
		return nil
	}
	return until(ctx, "request sockets to expire", func() (bool, error) { return b.noRequests() })
}

// destroyRequests ends those that are in the namespace of the current thread.
func (b *bench) destroyRequests() error {
	for _, r := range b.requests {
		if err := destroy(r); err != nil && !errors.Is(err, unix.ENOENT) {
			return err
		}
	}
	return nil
}

// destroy ends a socket as `ss -K` does: struct inet_diag_req_v2.
func destroy(r requestKey) error {
	req := nl.NewNetlinkRequest(nl.SOCK_DESTROY, unix.NLM_F_ACK)
	family := byte(unix.AF_INET)
	if r.server.Addr().Is6() {
		family = unix.AF_INET6
	}
	msg := make([]byte, 56)
	msg[0], msg[1] = family, unix.IPPROTO_TCP
	binary.BigEndian.PutUint16(msg[8:], r.server.Port())
	binary.BigEndian.PutUint16(msg[10:], r.client.Port())
	copy(msg[12:], r.server.Addr().AsSlice())
	copy(msg[28:], r.client.Addr().AsSlice())
	for i := 48; i < 56; i++ {
		msg[i] = 0xff // INET_DIAG_NOCOOKIE
	}
	req.AddRawData(msg)
	_, err := req.Execute(unix.NETLINK_INET_DIAG, 0)
	return err
}

// noRequests says that no request socket of the run's ports is left.
func (b *bench) noRequests() (bool, error) {
	socks, err := entries(b.ServerDo)
	behind, err2 := entries(b.atBackend)
	socks = append(socks, behind...)
	return !slices.ContainsFunc(socks, func(s sockets.Entry) bool {
		return s.State == sockets.SynRecv && slices.ContainsFunc(b.requests, func(r requestKey) bool {
			return r.server.Port() == s.Local.Port()
		})
	}), errors.Join(err, err2)
}
