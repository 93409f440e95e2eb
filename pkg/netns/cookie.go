// SPDX-License-Identifier: Apache-2.0

package netns

import "golang.org/x/sys/unix"

// cookie returns the cookie of the calling thread's network namespace. It is 0
// where user space cannot read it, before 5.14 (e8b9eab99232).
func cookie() uint64 {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0
	}
	defer unix.Close(fd)
	value, err := unix.GetsockoptUint64(fd, unix.SOL_SOCKET, unix.SO_NETNS_COOKIE)
	if err != nil {
		return 0
	}
	return value
}

// CookiesReadable says whether user space can read the cookies.
func CookiesReadable() bool { return cookie() != 0 }

// here is the identity of the calling thread's network namespace.
func here() (ID, error) {
	fd, err := open(OwnPath)
	if err != nil {
		return ID{}, err
	}
	defer unix.Close(fd)
	inode, err := inodeOf(fd)
	return ID{Cookie: cookie(), Inode: inode}, err
}
