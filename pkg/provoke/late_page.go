// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"errors"
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

const featUserfault = "userfaultfd"

// include/uapi/linux/userfaultfd.h
const (
	uffdAPI      = 0xaa
	uffdioAPI    = 0xc018aa3f
	uffdRegister = 0xc020aa00
	uffdZeroPage = 0xc020aa04

	uffdModeMissing = 1
)

// latePage is a page of memory that whoever touches waits for.
type latePage struct {
	fd  int
	mem []byte
}

func newLatePage() (p *latePage, err error) {
	fd, _, errno := unix.Syscall(unix.SYS_USERFAULTFD, unix.O_CLOEXEC|unix.O_NONBLOCK, 0, 0)
	if errno != 0 {
		return nil, fmt.Errorf("userfaultfd: %w", errno)
	}
	p = &latePage{fd: int(fd)}
	p.mem, err = unix.Mmap(-1, 0, os.Getpagesize(), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("map page: %w", err), p.close())
	}
	api := struct{ api, features, ioctls uint64 }{api: uffdAPI}
	register := p.request()
	register.mode = uffdModeMissing
	err = errors.Join(p.ioctl(uffdioAPI, unsafe.Pointer(&api)), p.ioctl(uffdRegister, unsafe.Pointer(&register)))
	if err != nil {
		return nil, errors.Join(err, p.close())
	}
	return p, nil
}

// pageRequest is a struct uffdio_register or uffdio_zeropage.
type pageRequest struct{ start, length, mode, result uint64 }

func (p *latePage) request() pageRequest {
	return pageRequest{start: uint64(uintptr(unsafe.Pointer(&p.mem[0]))), length: uint64(len(p.mem))}
}

func (p *latePage) ioctl(request uintptr, arg unsafe.Pointer) error {
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(p.fd), request, uintptr(arg)); errno != 0 {
		return fmt.Errorf("userfaultfd ioctl %#x: %w", request, errno)
	}
	return nil
}

// provide gives those who wait an empty page.
func (p *latePage) provide() error {
	zero := p.request()
	return p.ioctl(uffdZeroPage, unsafe.Pointer(&zero))
}

func (p *latePage) close() (err error) {
	if p.mem != nil {
		err = unix.Munmap(p.mem)
	}
	return errors.Join(err, closeAll(p.fd))
}

func probeUserfault(*os.File) error {
	p, err := newLatePage()
	if err != nil {
		return err
	}
	return p.close()
}
