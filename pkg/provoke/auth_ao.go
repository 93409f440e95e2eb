// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"unsafe"

	"github.com/synwatch/synwatch/pkg/netns"
	"golang.org/x/sys/unix"
)

var tcpAO = []Provocation{
	{
		Cause: "tcp-auth-failed", Stage: "missing", Variant: "ao", Families: []Family{V4, V6, Mapped}, Needs: []string{featAO},
		Run: play(listenerDefaults, aoMissing),
	},
	{
		Cause: "tcp-auth-failed", Stage: "unexpected", Variant: "ao", Families: []Family{V4, V6, Mapped}, Needs: []string{featAO},
		Run: play(listenerDefaults, aoUnexpected),
	},
	{
		Cause: "tcp-auth-failed", Stage: "wrong", Variant: "ao", Families: []Family{V4, V6, Mapped}, Needs: []string{featAO},
		Run: play(listenerDefaults, aoWrong),
	},
}

const (
	featAO = "TCP_AO"

	aoKeyID = 100
)

// aoSignature is a signature (RFC 5925) with the listener's key id, that fits
// nothing.
var aoSignature = option{kind: 29, data: "\x64\x64not real mac"}

// aoMissing: the listener has a key for the clients, who do not sign.
func aoMissing(b *bench) Expect { return b.aoSigned("missing", true, option{}, "TcpExtTCPAORequired") }

// aoUnexpected: the clients sign, but the listener has no key at all.
func aoUnexpected(b *bench) Expect {
	return b.aoSigned("unexpected", false, aoSignature, "TcpExtTCPAOKeyNotFound")
}

// aoWrong: the clients sign with another key.
func aoWrong(b *bench) Expect { return b.aoSigned("wrong", true, aoSignature, "TcpExtTCPAOBad") }

// aoSigned: net/ipv4/tcp.c:tcp_inbound_hash.
func (b *bench) aoSigned(stage string, keys bool, o option, counter string) Expect {
	clients := b.clients()
	ln := b.listenWith(8, 0, func(fd int) error {
		done := map[netip.Addr]bool{}
		for _, c := range clients {
			if keys && !done[c.Addr()] {
				done[c.Addr()] = true
				if err := setAOKey(fd, b.f, c.Addr()); err != nil {
					return err
				}
			}
		}
		return nil
	})
	b.eachSends(clients, segment{dst: ln.addr, flags: syn, seq: clientISN, option: o})
	return b.expect("tcp-auth-failed", stage, ln.addr, clients, map[string]uint64{counter: uint64(len(clients))})
}

// aoAdd is a struct tcp_ao_add.
type aoAdd struct {
	addr                    unix.SockaddrStorage
	algorithm               [64]byte
	ifindex                 int32
	flags                   uint32
	_                       uint16
	prefix, sendID, receive uint8
	macLen, keyFlags        uint8
	keyLen                  uint8
	key                     [80]byte
}

func setAOKey(fd int, f Family, peer netip.Addr) error {
	const tcpAOAddKey = 38
	add := aoAdd{prefix: 32, sendID: aoKeyID, receive: aoKeyID, keyLen: 6}
	copy(add.algorithm[:], "hmac(sha1)")
	copy(add.key[:], "secret")
	putPeer(&add.addr, f, peer)
	if peer.Is6() {
		add.prefix = 128
	}
	_, _, errno := unix.Syscall6(unix.SYS_SETSOCKOPT, uintptr(fd), unix.IPPROTO_TCP, tcpAOAddKey,
		uintptr(unsafe.Pointer(&add)), unsafe.Sizeof(add), 0)
	if errno != 0 {
		return fmt.Errorf("set TCP_AO_ADD_KEY: %w", errno)
	}
	return nil
}

func probeAO(ns *os.File) error {
	return netns.Inside(ns, func() error {
		fd, err := tcpSocket(V4)
		if err != nil {
			return err
		}
		if err = setAOKey(fd, V4, netip.MustParseAddr("10.9.0.1")); errors.Is(err, unix.ENOPROTOOPT) {
			err = fmt.Errorf("the kernel is built without it: %w", err)
		}
		return errors.Join(err, closeAll(fd))
	})
}
