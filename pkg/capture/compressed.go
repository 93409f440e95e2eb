// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// maxWindow bounds the memory that a compressed file may ask for, in bytes. It is the one
// that decoders must support at least (RFC 8878, 3.1.1.1.2), and several times what
// compressors use unless they are told to.
const maxWindow = 8 << 20

var (
	gzipMagic = []byte{0x1f, 0x8b}
	zstdMagic = []byte{0x28, 0xb5, 0x2f, 0xfd}
)

// errDamaged is what the error satisfies about compressed data that cannot be read on.
var errDamaged = errors.New("the compressed data are damaged from here on")

// decompressed reads what is compressed with gzip or zstd, which its first bytes tell.
func decompressed(r io.Reader) (io.ReadCloser, error) {
	raw := &source{from: r}
	from := bufio.NewReader(raw)
	magic, err := from.Peek(len(zstdMagic))
	if err != nil && err != io.EOF {
		return nil, err
	}
	switch {
	case bytes.HasPrefix(magic, gzipMagic):
		return &unpacked{open: func() (io.ReadCloser, error) { return gzip.NewReader(from) }, source: raw}, nil
	case bytes.HasPrefix(magic, zstdMagic):
		return &unpacked{open: func() (io.ReadCloser, error) { return newZstd(from) }, source: raw}, nil
	}
	return io.NopCloser(from), nil
}

func newZstd(r io.Reader) (io.ReadCloser, error) {
	d, err := zstd.NewReader(r, zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderLowmem(true), zstd.WithDecoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	return d.IOReadCloser(), nil
}

// source remembers the error of what it reads from.
type source struct {
	from io.Reader
	err  error
}

func (f *source) Read(b []byte) (int, error) {
	n, err := f.from.Read(b)
	if err != nil && !errors.Is(err, io.EOF) {
		f.err = err
	}
	return n, err
}

// unpacked tells damage of what is compressed from a failure to read it.
type unpacked struct {
	open   func() (io.ReadCloser, error)
	from   io.ReadCloser // nil before the first read
	source *source
}

func (u *unpacked) Read(b []byte) (n int, err error) {
	if u.from == nil {
		opened, err := u.open()
		if err != nil {
			return 0, u.explain(err)
		}
		u.from = opened
	}
	n, err = u.from.Read(b)
	return n, u.explain(err)
}

func (u *unpacked) explain(err error) error {
	switch {
	case err == nil, errors.Is(err, io.EOF):
		return err
	case u.source.err != nil:
		return u.source.err
	case errors.Is(err, zstd.ErrWindowSizeExceeded):
		return fmt.Errorf("it takes more than %d MiB of memory to decompress: use zstd without --long and --ultra", maxWindow>>20)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%w: they end in the middle", errDamaged)
	}
	return fmt.Errorf("%w: %w", errDamaged, err)
}

// Close may be called without a read.
func (u *unpacked) Close() error {
	if u.from == nil {
		return nil
	}
	return u.from.Close()
}
