// SPDX-License-Identifier: Apache-2.0

package conntrack

import (
	"encoding/binary"
	"errors"
	"slices"
	"testing"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

func message(kind uint16, data []byte) []byte {
	b := binary.NativeEndian.AppendUint32(nil, uint32(unix.SizeofNlMsghdr+len(data)))
	b = binary.NativeEndian.AppendUint16(b, kind)
	return append(append(b, make([]byte, unix.SizeofNlMsghdr-6)...), data...)
}

// The answers are there when they are asked for, as the kernel's are.
func TestDumpEnd(t *testing.T) {
	errno := func(e unix.Errno) []byte { return binary.NativeEndian.AppendUint32(nil, -uint32(e)) }
	entry := message(unix.NFNL_SUBSYS_CTNETLINK<<8|nl.IPCTNL_MSG_CT_NEW, unhex(t, captured["tcp4"].hex))
	for name, test := range map[string]struct {
		last []byte
		err  error
	}{
		"cut off":          {entry, errCutOff},
		"done":             {message(unix.NLMSG_DONE, errno(0)), nil},
		"done behind more": {slices.Concat(entry, message(unix.NLMSG_DONE, errno(0))), nil},
		"done, and failed": {message(unix.NLMSG_DONE, errno(unix.ENOMEM)), unix.ENOMEM},
		"refused":          {message(unix.NLMSG_ERROR, errno(unix.EPERM)), ErrCannot},
	} {
		pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_NONBLOCK, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, answer := range [][]byte{entry, test.last} {
			if _, err := unix.Write(pair[1], answer); err != nil {
				t.Fatal(err)
			}
		}
		c := Conn{fd: pair[0]}
		d, err := c.Dump(t.Context(), unix.AF_UNSPEC, func(*Entry) {})
		if !errors.Is(err, test.err) || d.Entries == 0 || d.Malformed != 0 {
			t.Errorf("%s: %v, %+v", name, err, d)
		}
		if err := errors.Join(c.Close(), unix.Close(pair[1])); err != nil {
			t.Error(err)
		}
	}
}

// Between two calls the number may have become another file's.
func TestConnClosesItsOwnDescriptorOnly(t *testing.T) {
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	c := &Conn{fd: fd}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	other, err := unix.Eventfd(0, unix.EFD_CLOEXEC) // the lowest free number, so the same
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(other)
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if _, err := unix.FcntlInt(uintptr(other), unix.F_GETFD, 0); err != nil || other != fd {
		t.Errorf("descriptor %d (it was %d): %v", other, fd, err)
	}
}
