// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"os"
)

// lineFile is a regular file of lines. Where it cannot be written on, as its disk is full,
// it ends with the last whole line.
type lineFile struct {
	file *os.File
	// size is what was written, and whole what of it is whole lines, in bytes.
	size, whole int64
}

func (f *lineFile) Write(b []byte) (int, error) {
	n, err := f.file.Write(b)
	if end := bytes.LastIndexByte(b[:n], '\n'); end >= 0 {
		f.whole = f.size + int64(end) + 1
	}
	f.size += int64(n)
	if err != nil {
		_ = f.file.Truncate(f.whole) // the error that is to be known is err
	}
	return n, err
}
