// SPDX-License-Identifier: Apache-2.0

package host

import (
	"fmt"
	"maps"
	"runtime"

	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// Sample is the counters of every network namespace that could be read, by the
// namespace's inode number.
type Sample map[uint32]Values

// Sampler reads the kernel's counters in all network namespaces. It holds none
// of them open between two samples, as that would keep them alive.
type Sampler struct {
	counters []string
	known    places
}

// NewSampler returns a Sampler of counters with these names.
func NewSampler(counters []string) *Sampler {
	return &Sampler{counters: counters, known: places{}}
}

// Sample reads the counters of the namespaces that a quick look finds and of
// those that were found before and are still there. A deep sample finds also
// those that are kept only by another process's thread or open file, at a cost
// in proportion to their number.
func (s *Sampler) Sample(deep bool) (Sample, error) {
	found := scan(deep)
	for inum, path := range s.known {
		if _, again := found[inum]; !again && leadsTo(path, inum) {
			found[inum] = path
		}
	}
	s.known = maps.Clone(found)
	var sample Sample
	var err error
	done := make(chan struct{})
	go func() { // so that a thread that is lost abroad is not the caller's
		defer close(done)
		sample, err = readAll(found, s.counters)
	}()
	<-done
	return sample, err
}

// Names returns the ip-netns names of the namespaces that have one.
func (s *Sampler) Names() map[uint32]string { return mounted(namedDir) }

func leadsTo(path string, inum uint32) bool {
	p := places{}
	p.addLink(path)
	_, ok := p[inum]
	return ok
}

// readAll visits each namespace on a thread of its own. Those that are gone by
// now, or that this process may not enter, are missing from the sample.
func readAll(found places, counters []string) (Sample, error) {
	runtime.LockOSThread()
	home, err := openNetns(ownNetns)
	if err != nil {
		return nil, err
	}
	defer unix.Close(home)
	own, err := inodeOf(home)
	if err != nil {
		return nil, err
	}
	sample := Sample{}
	// Home is read without entering it, which works without privileges.
	if sample[own], err = readThread(counters); err != nil {
		return nil, fmt.Errorf("read counters: %w", err)
	}
	for inum, path := range found {
		if inum == own {
			continue
		}
		if values, err := visit(path, inum, counters); err == nil {
			sample[inum] = values
		}
	}
	if netns.Set(netns.NsHandle(home)) == nil {
		runtime.UnlockOSThread()
	} // else the thread ends with the goroutine, as nothing else may run on it
	return sample, nil
}

// visit leaves the thread in the namespace at path.
func visit(path string, inum uint32, counters []string) (Values, error) {
	fd, err := openNetns(path)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	if now, err := inodeOf(fd); err != nil || now != inum {
		return nil, fmt.Errorf("%s no longer leads to namespace %d", path, inum)
	}
	if err := netns.Set(netns.NsHandle(fd)); err != nil {
		return nil, err
	}
	return readThread(counters)
}
