// SPDX-License-Identifier: Apache-2.0

package main

import "io"

// mostWords bounds what is kept of a process's diagnostics, in bytes.
const mostWords = 1 << 16

// firstWords keeps the beginning of what is written to it. A panic tells its reason
// first, and the stack of the goroutine that had it.
type firstWords struct{ text []byte }

func (w *firstWords) Write(b []byte) (int, error) {
	w.text = append(w.text, b[:min(len(b), mostWords-len(w.text))]...)
	return len(b), nil
}

func (w *firstWords) WriteTo(to io.Writer) (int64, error) {
	n, err := to.Write(w.text)
	return int64(n), err
}
