// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"slices"
	"time"
)

const (
	// usualRewrite is how often a report of a capture that grows is replaced.
	usualRewrite = 2 * time.Second
	// rewriteShare bounds the part of the time that replacing it takes.
	rewriteShare = 20
	// usualGrace is how long the other end of the pipe may take to end after Ctrl-C, which
	// reaches both: trace reads the kernel's counters once more and writes its summary.
	usualGrace = 5 * time.Second
)

// growth is how a report of a capture that grows is kept up to date; 0 for what is usual.
type growth struct{ rewrite, grace time.Duration }

// follow replaces the documents as the capture grows, until it ends.
func (r *reporter) follow(ctx context.Context, g *captureReading) error {
	g.grows(true)
	defer g.grows(false)
	interrupted, given := ctx.Done(), (<-chan time.Time)(nil)
	next := time.NewTimer(orUsual(r.growth.rewrite, usualRewrite))
	defer next.Stop()
	written := uint64(0)
	for {
		select {
		case err := <-g.ended:
			return err
		case <-interrupted:
			interrupted, given = nil, time.After(orUsual(r.growth.grace, usualGrace))
		case <-given:
			r.say("the standard input goes on; the report is of what came until now")
			return nil
		case <-next.C:
			began := time.Now()
			if taken := g.taken.Load(); taken > written {
				r.rewrite(g)
				written = taken
			}
			next.Reset(max(orUsual(r.growth.rewrite, usualRewrite), rewriteShare*time.Since(began)))
		}
	}
}

func orUsual(d, usual time.Duration) time.Duration {
	if d == 0 {
		return usual
	}
	return d
}

// rewrite replaces the files by what there is to say now. What keeps it from that may
// pass, as a disk that is full; the last report says if it does not.
func (r *reporter) rewrite(g *captureReading) {
	now := append(slices.Clone(r.captures), g.captures()...)
	if err := r.write(now, func(d *document) bool { return d.path != "" }); err != nil && !r.complained {
		r.complained = true
		r.say(err.Error())
	}
}

func (g *captureReading) grows(so bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.growing = so
}
