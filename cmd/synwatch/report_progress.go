// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io"
	"os"
	"sync"

	"github.com/cheggaaa/pb/v3"
)

// progress shows how much of some files was read, where stderr is a terminal. What is to
// be said meanwhile is said once the bar is gone.
type progress struct {
	on  *env
	bar *pb.ProgressBar // nil without a terminal, and when it is gone

	mu    sync.Mutex
	later []string
}

const progressLine = `reading {{bar . "[" "=" ">" " " "]"}} {{percent .}} {{rtime . "%s left" "%s" "?"}}`

// newProgress begins to show it, if that is of use.
func (e *env) newProgress(files []string) *progress {
	p := &progress{on: e}
	total := int64(0)
	for _, path := range files {
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			total += info.Size()
		}
	}
	if total > 0 && isTerminal(e.stderr) && e.variable("TERM") != "dumb" {
		p.bar = pb.New64(total).SetTemplateString(progressLine).SetWriter(e.stderr).Set(pb.CleanOnFinish, true).Set(pb.Color, false).Start()
	}
	return p
}

// reader counts what is read of a file, as it is there: compressed, if it is.
func (p *progress) reader(path string, from io.Reader) io.Reader {
	p.mu.Lock()
	defer p.mu.Unlock()
	if info, err := os.Stat(path); p.bar == nil || err != nil || !info.Mode().IsRegular() {
		return from
	}
	return p.bar.NewProxyReader(from)
}

// say says something that the bar does not disturb.
func (p *progress) say(message string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar != nil {
		p.later = append(p.later, message)
		return
	}
	p.on.say(message)
}

// finish takes the bar away.
func (p *progress) finish() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar == nil {
		return
	}
	p.bar.Finish()
	p.bar = nil
	for _, message := range p.later {
		p.on.say(message)
	}
	p.later = nil
}
