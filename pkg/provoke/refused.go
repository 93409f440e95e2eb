// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"errors"
	"fmt"
	"net/netip"
	"os"

	"github.com/synwatch/synwatch/pkg/netns"
	"golang.org/x/sys/unix"
)

// refused are segments that the application has the kernel refuse.
var refused = []Provocation{
	{
		Cause: "socket-filter", Families: []Family{V4, V6, Mapped},
		Run: play(listenerDefaults, socketFilter),
	},
	{
		Cause: "tcp-auth-failed", Stage: "missing", Variant: "md5", Families: []Family{V4, V6, Mapped}, Needs: []string{featMD5},
		Run: play(listenerDefaults, md5Missing),
	},
	{
		Cause: "tcp-auth-failed", Stage: "unexpected", Variant: "md5", Families: []Family{V4, V6, Mapped}, Needs: []string{featMD5},
		Run: play(listenerDefaults, md5Unexpected),
	},
	{
		Cause: "tcp-auth-failed", Stage: "wrong", Variant: "md5", Families: []Family{V4, V6, Mapped}, Needs: []string{featMD5},
		Run: play(listenerDefaults, md5Wrong),
	},
}

const featMD5 = "TCP_MD5SIG"

// md5Signature is a signature (RFC 2385) that fits nothing.
var md5Signature = option{kind: 19, data: "not a real digest"[:16]}

// net/core/filter.c:sk_filter_trim_cap. No counter moves but the socket's own.
func socketFilter(b *bench) Expect {
	ln, clients := b.listenWith(8, 0, refuseAll), b.clients()
	b.eachSends(clients, segment{dst: ln.addr, flags: syn, seq: clientISN})
	return b.expect("socket-filter", "", ln.addr, clients, nil)
}

// md5Missing: the listener has a key for the clients, who do not sign.
func md5Missing(b *bench) Expect { return b.signed("missing", true, option{}, "TcpExtTCPMD5NotFound") }

// md5Unexpected: the clients sign, but the listener has no key for them.
func md5Unexpected(b *bench) Expect {
	return b.signed("unexpected", false, md5Signature, "TcpExtTCPMD5Unexpected")
}

// md5Wrong: the clients sign with another key.
func md5Wrong(b *bench) Expect { return b.signed("wrong", true, md5Signature, "TcpExtTCPMD5Failure") }

// signed: net/ipv4/tcp.c:tcp_inbound_md5_hash, or tcp_v4_inbound_md5_hash.
func (b *bench) signed(stage string, keys bool, o option, counter string) Expect {
	clients := b.clients()
	ln := b.listenWith(8, 0, func(fd int) error {
		if !keys {
			// A key for someone else: without any the kernel does not look.
			return setMD5Key(fd, b.f, b.source(99))
		}
		for _, c := range clients {
			if err := setMD5Key(fd, b.f, c.Addr()); err != nil {
				return err
			}
		}
		return nil
	})
	b.eachSends(clients, segment{dst: ln.addr, flags: syn, seq: clientISN, option: o})
	return b.expect("tcp-auth-failed", stage, ln.addr, clients, map[string]uint64{counter: uint64(len(clients))})
}

func setMD5Key(fd int, f Family, peer netip.Addr) error {
	sig := unix.TCPMD5Sig{Keylen: 6}
	copy(sig.Key[:], "secret")
	putPeer(&sig.Addr, f, peer)
	return joinErr("set TCP_MD5SIG", unix.SetsockoptTCPMD5Sig(fd, unix.IPPROTO_TCP, unix.TCP_MD5SIG, &sig))
}

// putPeer makes a struct sockaddr_in or sockaddr_in6 of an address. A dual-stack
// socket wants IPv4 ones in the latter.
func putPeer(to *unix.SockaddrStorage, f Family, peer netip.Addr) {
	if f == V4 {
		to.Family = unix.AF_INET
		copy(to.Data[2:], peer.AsSlice())
		return
	}
	to.Family = unix.AF_INET6
	all := peer.As16()
	copy(to.Data[6:], all[:])
}

func probeMD5(ns *os.File) error {
	return netns.Inside(ns, func() error {
		fd, err := tcpSocket(V4)
		if err != nil {
			return err
		}
		if err = setMD5Key(fd, V4, netip.MustParseAddr("10.9.0.1")); errors.Is(err, unix.ENOPROTOOPT) {
			err = fmt.Errorf("the kernel is built without it: %w", err)
		}
		return errors.Join(err, closeAll(fd))
	})
}
