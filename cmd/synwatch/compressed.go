// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io"
	"strings"
	"sync"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// packEvery is how long data may wait to be compressed together: a run that is killed leaves
// a file that has all but these.
const packEvery = time.Second

// packer compresses.
type packer interface {
	io.WriteCloser
	Flush() error
}

// packers are by the suffix of the file's name. They are quick rather than thorough: lines
// are so much alike that they take a tenth of the room in any case.
var packers = map[string]func(io.Writer) (packer, error){
	".gz": func(w io.Writer) (packer, error) { return gzip.NewWriterLevel(w, gzip.BestSpeed) },
	".zst": func(w io.Writer) (packer, error) {
		const window = 1 << 20 // bytes, of which it takes several times as much memory
		return zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(window))
	},
}

// compression is the suffix of a name that asks for it, empty for none.
func compression(path string) string {
	for suffix := range packers {
		if strings.HasSuffix(path, suffix) {
			return suffix
		}
	}
	return ""
}

// compressed compresses what is written. After an error there is nothing but that.
type compressed struct {
	mu      sync.Mutex // its flush has a goroutine of its own
	packer  packer
	flush   *time.Timer
	pending bool // until the flush
	closed  bool
	err     error
}

func compress(w io.Writer, suffix string) (*compressed, error) {
	p, err := packers[suffix](w)
	if err != nil {
		return nil, err
	}
	c := &compressed{packer: p}
	c.flush = time.AfterFunc(packEvery, c.flushPending)
	c.flush.Stop()
	return c, nil
}

func (c *compressed) Write(b []byte) (n int, _ error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return 0, c.err
	}
	if !c.pending {
		c.pending = true
		c.flush.Reset(packEvery)
	}
	n, c.err = c.packer.Write(b)
	return n, c.err
}

func (c *compressed) flushPending() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pending = false
	if c.err == nil && !c.closed {
		c.err = c.packer.Flush()
	}
}

// Close ends the compressed data. It may be called again.
func (c *compressed) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil
	}
	c.closed = true
	c.flush.Stop()
	if c.err == nil {
		c.err = c.packer.Close()
	}
	return c.err
}
