// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"bufio"
	"bytes"
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

// decompressed reads what is compressed with gzip or zstd, which its first bytes tell.
func decompressed(r io.Reader) (io.ReadCloser, error) {
	from := bufio.NewReader(r)
	magic, err := from.Peek(len(zstdMagic))
	if err != nil && err != io.EOF {
		return nil, err
	}
	switch {
	case bytes.HasPrefix(magic, gzipMagic):
		return gzip.NewReader(from)
	case bytes.HasPrefix(magic, zstdMagic):
		d, err := zstd.NewReader(from, zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderLowmem(true), zstd.WithDecoderConcurrency(1))
		if err != nil {
			return nil, err
		}
		return d.IOReadCloser(), nil
	}
	return io.NopCloser(from), nil
}
