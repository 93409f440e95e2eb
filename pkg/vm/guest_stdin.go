// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"io"
	"sync"
)

// input buffers what arrives on a serial port without bound: a port that no program
// reads loses bytes, and a command may be slow to read its stdin.
type input struct {
	mu       sync.Mutex
	changed  *sync.Cond
	pending  []byte
	received int64
	end      int64 // bytes in all; -1 while unknown
	dst      io.WriteCloser
}

func newInput(dst io.WriteCloser) *input {
	in := &input{end: -1, dst: dst}
	in.changed = sync.NewCond(&in.mu)
	return in
}

// receive takes everything from the port.
func (in *input) receive(port io.Reader) {
	buf := make([]byte, 4096)
	for {
		n, err := port.Read(buf)
		in.mu.Lock()
		in.pending = append(in.pending, buf[:n]...)
		in.received += int64(n)
		in.mu.Unlock()
		in.changed.Broadcast()
		if err != nil {
			return
		}
	}
}

// setEnd sets how many bytes there are in all.
func (in *input) setEnd(n int64) {
	in.mu.Lock()
	in.end = n
	in.mu.Unlock()
	in.changed.Broadcast()
}

// feed passes the bytes on and closes dst behind the last one.
func (in *input) feed() {
	defer in.dst.Close()
	for {
		chunk, more := in.next()
		if len(chunk) > 0 {
			if _, err := in.dst.Write(chunk); err != nil {
				return
			}
		}
		if !more {
			return
		}
	}
}

// next waits for bytes, and says whether there will be more.
func (in *input) next() ([]byte, bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for len(in.pending) == 0 && (in.end < 0 || in.received < in.end) {
		in.changed.Wait()
	}
	chunk := in.pending
	in.pending = nil
	return chunk, in.end < 0 || in.received < in.end
}
