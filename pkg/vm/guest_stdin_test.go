// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

type closeBuffer struct {
	bytes.Buffer
	closed chan struct{}
}

func (c *closeBuffer) Close() error { close(c.closed); return nil }

func TestStdinEndsAfterTheLastByte(t *testing.T) {
	text := strings.Repeat("0123456789", 1000)
	for name, early := range map[string]bool{"end known first": true, "end known last": false} {
		dst := &closeBuffer{closed: make(chan struct{})}
		in := newInput(dst)
		if early {
			in.setEnd(int64(len(text)))
		}
		go in.receive(strings.NewReader(text))
		go in.feed()
		if !early {
			time.Sleep(time.Millisecond)
			in.setEnd(int64(len(text)))
		}
		select {
		case <-dst.closed:
		case <-time.After(10 * time.Second):
			t.Fatalf("%s: stdin was not closed", name)
		}
		if dst.String() != text {
			t.Errorf("%s: %d bytes arrived of %d", name, dst.Len(), len(text))
		}
	}
}
