// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"bufio"
	"errors"
	"fmt"
	"io"
)

// maxLine bounds a line, in bytes. The longest are of samples and summaries; a machine of
// a thousand namespaces has some megabytes there.
const maxLine = 16 << 20

var errLong = fmt.Errorf("longer than %d MiB", maxLine>>20)

// lines divides into lines.
type lines struct {
	from *bufio.Reader
	long []byte // one that is longer than the reader's buffer
}

func newLines(r io.Reader) *lines { return &lines{from: bufio.NewReaderSize(r, 1<<18)} }

// next is the next line, until the next call. The last may have no newline. It is errLong
// for one that is too long, and the next call goes on behind it.
func (l *lines) next() ([]byte, error) {
	part, err := l.from.ReadSlice('\n')
	if !errors.Is(err, bufio.ErrBufferFull) {
		return ended(part, err)
	}
	l.long = append(l.long[:0], part...)
	for errors.Is(err, bufio.ErrBufferFull) {
		part, err = l.from.ReadSlice('\n')
		if len(l.long) <= maxLine {
			l.long = append(l.long, part...)
		}
	}
	if len(l.long) > maxLine {
		l.long = nil
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		return nil, errLong
	}
	return ended(l.long, err)
}

// ended takes the end of the data for that of the line, if there is one.
func ended(line []byte, err error) ([]byte, error) {
	if errors.Is(err, io.EOF) && len(line) > 0 {
		return line, nil
	}
	return line, err
}
