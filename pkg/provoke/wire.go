// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// barrierType is an Ethernet type for local experiments (IEEE 802), of the
// frames that mark the end of what was sent.
const barrierType = unix.ETH_P_802_EX1

// wire sends frames from the client's end of the cable. It belongs to one
// thread that is pinned to one CPU: the device hands a frame to the backlog of the
// CPU that sends it (net/core/dev.c:enqueue_to_backlog), and a CPU works its
// backlog off in order, so all frames are processed by the server before a
// later one is.
type wire struct {
	lane          // from the client to the server
	onward []lane // then to the backend and back, in a run that forwards
	tap    int    // AF_PACKET in the client's namespace, sees what comes in; -1 until used
	l      *Lab
	id     uint32
	sent   uint32
}

// lane is one way of a cable.
type lane struct {
	src, dst net.HardwareAddr
	tx       int // AF_PACKET where it begins
	barriers int // AF_PACKET where it ends, sees only barriers
}

// laneEnd is a device of a namespace that do enters.
type laneEnd struct {
	do    func(func() error) error
	index int
	mac   net.HardwareAddr
}

func openLane(from, to laneEnd) (ln lane, err error) {
	ln = lane{from.mac, to.mac, -1, -1}
	errTx := from.do(func() (err error) {
		ln.tx, err = packetSocket(from.index, 0)
		return err
	})
	errRx := to.do(func() (err error) {
		ln.barriers, err = packetSocket(to.index, barrierType)
		return err
	})
	if err := errors.Join(errTx, errRx); err != nil {
		return ln, errors.Join(err, ln.close())
	}
	return ln, nil
}

func (ln lane) close() error { return closeAll(ln.tx, ln.barriers) }

func openWire(l *Lab, id uint32) (w *wire, err error) {
	w = &wire{tap: -1, l: l, id: id}
	w.lane, err = openLane(
		laneEnd{l.ClientDo, l.clientIndex, clientMAC},
		laneEnd{l.ServerDo, l.serverIndex, serverMAC})
	return w, err
}

// extend has flush wait until the server has processed what came of the packets that
// it forwarded, too. The answers of the backend follow the packets, and the barriers
// follow both.
func (w *wire) extend() error {
	near := laneEnd{w.l.ServerDo, w.l.behind.gatewayIndex, gatewayMAC}
	far := laneEnd{w.l.BackendDo, w.l.behind.index, backendMAC}
	for _, way := range [][2]laneEnd{{near, far}, {far, near}} {
		ln, err := openLane(way[0], way[1])
		if err != nil {
			return err
		}
		w.onward = append(w.onward, ln)
		// A full queue of the device drops no barrier.
		if err := unix.SetsockoptInt(ln.tx, unix.SOL_PACKET, unix.PACKET_QDISC_BYPASS, 1); err != nil {
			return fmt.Errorf("set PACKET_QDISC_BYPASS: %w", err)
		}
	}
	return nil
}

func (w *wire) close() error {
	errs := []error{w.lane.close(), closeAll(w.tap)}
	for _, ln := range w.onward {
		errs = append(errs, ln.close())
	}
	return errors.Join(errs...)
}

func (ln lane) send(frame []byte) error {
	for {
		_, err := unix.Write(ln.tx, frame)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return fmt.Errorf("send frame: %w", err)
		}
		return nil
	}
}

// flush waits until the server has processed all that was sent.
func (w *wire) flush(ctx context.Context) error {
	w.sent++
	mark := binary.BigEndian.AppendUint32(nil, w.id)
	mark = binary.BigEndian.AppendUint32(mark, w.sent)
	if err := w.lane.flush(ctx, mark); err != nil {
		return fmt.Errorf("wait for the server to process what was sent: %w", err)
	}
	for _, ln := range w.onward {
		if err := ln.flush(ctx, mark); err != nil {
			return fmt.Errorf("wait for what was forwarded: %w", err)
		}
	}
	return nil
}

func (ln lane) flush(ctx context.Context, mark []byte) error {
	frame := append([]byte{}, ln.dst...)
	frame = append(frame, ln.src...)
	frame = binary.BigEndian.AppendUint16(frame, barrierType)
	frame = append(frame, mark...)
	frame = append(frame, make([]byte, 60-len(frame))...)
	if err := ln.send(frame); err != nil {
		return err
	}
	_, err := receive(ctx, ln.barriers, func(b []byte) bool {
		return len(b) >= 22 && string(b[14:22]) == string(mark)
	})
	return err
}

// listenTap starts to collect the server's replies.
func (w *wire) listenTap() (err error) {
	if w.tap >= 0 {
		return nil
	}
	w.tap, err = packetSocket(w.l.clientIndex, unix.ETH_P_ALL)
	return err
}

// reply waits for a segment that the server sent after listenTap was called.
// Others before it are lost.
func (w *wire) reply(ctx context.Context, want func(reply) bool) (r reply, err error) {
	_, err = receive(ctx, w.tap, func(b []byte) bool {
		got, ok := parseReply(b)
		if !ok || !want(got) {
			return false
		}
		r = got
		return true
	})
	return r, err
}

// packetSocket opens an AF_PACKET socket in the namespace of the current thread.
func packetSocket(ifindex int, proto uint16) (int, error) {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("open packet socket: %w", err)
	}
	// The socket must not receive what the client itself sends. Kernels without the
	// option (before 4.20) pass it on; its addresses show it.
	_ = unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1)
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 8<<20)
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: htons(proto), Ifindex: ifindex}); err != nil {
		return -1, errors.Join(fmt.Errorf("bind packet socket: %w", err), closeAll(fd))
	}
	return fd, nil
}

// receive reads frames until one is the wanted one.
func receive(ctx context.Context, fd int, want func([]byte) bool) ([]byte, error) {
	buf := make([]byte, 1<<16)
	for {
		n, _, err := unix.Recvfrom(fd, buf, unix.MSG_DONTWAIT)
		switch {
		case err == nil && want(buf[:n]):
			return buf[:n], nil
		case err == nil || errors.Is(err, unix.EINTR):
			continue
		case !errors.Is(err, unix.EAGAIN):
			return nil, fmt.Errorf("receive frame: %w", err)
		}
		if err := pollFD(ctx, fd, unix.POLLIN); err != nil {
			return nil, err
		}
	}
}

// pollFD waits until one of events (or a hang-up or an error) is there.
func pollFD(ctx context.Context, fd int, events int16) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		fds := []unix.PollFd{{Fd: int32(fd), Events: events}}
		n, err := unix.Poll(fds, 50)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("poll: %w", err)
		}
		if n > 0 {
			return nil
		}
	}
}

// until polls cond, for what the kernel has no event for. What takes long to find out,
// as all sockets do under emulation, it asks less often.
func until(ctx context.Context, what string, cond func() (bool, error)) error {
	for pause := time.Millisecond; ; pause = min(2*pause, 50*time.Millisecond) {
		began := time.Now()
		ok, err := cond()
		if err != nil {
			return fmt.Errorf("wait for %s: %w", what, err)
		}
		if ok {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: %w", what, ctx.Err())
		case <-time.After(max(pause, 2*time.Since(began))):
		}
	}
}

func closeAll(fds ...int) (err error) {
	for _, fd := range fds {
		if fd >= 0 {
			err = errors.Join(err, unix.Close(fd))
		}
	}
	return err
}

// joinErr is err with what it is about.
func joinErr(what string, errs ...error) error {
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

func htons(v uint16) uint16 { return v<<8 | v>>8 }
