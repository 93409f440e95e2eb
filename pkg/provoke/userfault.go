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

// faultingPage is a page of memory whose first access waits in a page fault, until
// provide.
type faultingPage struct {
	fd  int
	mem []byte
}

func newFaultingPage() (p *faultingPage, err error) {
	fd, _, errno := unix.Syscall(unix.SYS_USERFAULTFD, unix.O_CLOEXEC|unix.O_NONBLOCK, 0, 0)
	if errno != 0 {
		return nil, fmt.Errorf("userfaultfd: %w", errno)
	}
	p = &faultingPage{fd: int(fd)}
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

func (p *faultingPage) request() pageRequest {
	return pageRequest{start: uint64(uintptr(unsafe.Pointer(&p.mem[0]))), length: uint64(len(p.mem))}
}

func (p *faultingPage) ioctl(request uintptr, arg unsafe.Pointer) error {
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(p.fd), request, uintptr(arg)); errno != 0 {
		return fmt.Errorf("userfaultfd ioctl %#x: %w", request, errno)
	}
	return nil
}

// provide ends the page faults with a page of zeros.
func (p *faultingPage) provide() error {
	zero := p.request()
	return p.ioctl(uffdZeroPage, unsafe.Pointer(&zero))
}

func (p *faultingPage) close() (err error) {
	if p.mem != nil {
		err = unix.Munmap(p.mem)
	}
	return errors.Join(err, closeAll(p.fd))
}

func probeUserfault(*os.File) error {
	p, err := newFaultingPage()
	if err != nil {
		return err
	}
	return p.close()
}
