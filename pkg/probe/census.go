// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"sync"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/synwatch/synwatch/pkg/proc"
)

// census has the kernel say which tasks are in which network namespace, and which open
// files hold one. It is a netns.Census.
type census struct {
	tasks, files *link.Iter
	// reader is this process, by its number in /proc.
	reader uint32

	// mu is of all that, and of the buffer.
	mu     sync.Mutex
	buffer []byte
}

// errForeign: programs number processes as the machine's first PID namespace does.
var errForeign = errors.New("/proc has other numbers for processes")

// censusBuffer is what one system call reads at most: the kernel's own buffer is 32 KiB
// (kernel/bpf/bpf_iter.c:bpf_seq_read).
const censusBuffer = 32 << 10

// newCensus loads the programs.
func newCensus(k *kernel) (*census, error) {
	self, err := os.Readlink(proc.Dir + "/self")
	if err != nil {
		return nil, err
	}
	number, err := strconv.ParseUint(self, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("own number in %s: %w", proc.Dir, err)
	}
	spec, err := loadCensus()
	if err != nil {
		return nil, fmt.Errorf("parse programs: %w", err)
	}
	var programs struct {
		Tasks *ebpf.Program `ebpf:"count_tasks"`
		Files *ebpf.Program `ebpf:"count_files"`
	}
	var opts ebpf.CollectionOptions
	k.giveTypes(&opts)
	if err := spec.LoadAndAssign(&programs, &opts); err != nil {
		return nil, fmt.Errorf("load the census: %w", err)
	}
	defer programs.Tasks.Close()
	defer programs.Files.Close()
	c := &census{reader: uint32(number), buffer: make([]byte, censusBuffer)}
	if c.tasks, err = link.AttachIter(link.IterOptions{Program: programs.Tasks}); err == nil {
		c.files, err = link.AttachIter(link.IterOptions{Program: programs.Files})
	}
	if err == nil {
		err = c.Tasks(func(netns.Resident) {})
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("take the census: %w", err), c.close())
	}
	return c, nil
}

// Tasks implements netns.Census.
func (c *census) Tasks(found func(netns.Resident)) error { return c.take(&c.tasks, found) }

// Files implements netns.Census.
func (c *census) Files(found func(netns.Resident)) error { return c.take(&c.files, found) }

// take runs a program over all tasks, or files.
func (c *census) take(of **link.Iter, found func(netns.Resident)) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if *of == nil {
		return os.ErrClosed
	}
	run, err := (*of).Open()
	if err != nil {
		return err
	}
	defer run.Close()
	const size = int(unsafe.Sizeof(censusCounted{}))
	for have := 0; ; {
		n, err := run.Read(c.buffer[have:])
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		have += n
		rest := c.buffer[:have]
		for ; len(rest) >= size; rest = rest[size:] {
			one := (*censusCounted)(unsafe.Pointer(unsafe.SliceData(rest)))
			if one.Reader != c.reader {
				return errForeign
			}
			found(netns.Resident{
				Netns: netns.ID{Cookie: one.Cookie, Inode: one.Netns}, PID: int(one.Pid), Number: int(one.Number),
			})
		}
		have = copy(c.buffer, rest)
	}
}

// close may be called more than once.
func (c *census) close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var errs []error
	for _, of := range []*link.Iter{c.tasks, c.files} {
		if of != nil {
			errs = append(errs, of.Close())
		}
	}
	c.tasks, c.files = nil, nil
	return errors.Join(errs...)
}
