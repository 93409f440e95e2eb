// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io"
	"os"
	"time"

	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/synwatch/synwatch/pkg/host"
	"github.com/synwatch/synwatch/pkg/probe"
	"github.com/synwatch/synwatch/pkg/watch"
)

// env is what the commands need of the world, so that they can be tested
// without it.
type env struct {
	stdout, stderr io.Writer
	environ        []string
	now            func() time.Time
	machine        func() (host.Machine, error)
	open           func(probe.Options) (tracer, error)
	counters       func() watch.Counters
	directory      func() directory
	survey         func(netns []uint32) (*host.Snapshot, error)
	conntrack      func(netns uint32) (conntrackTable, error)
	table          func(netns uint32) (*host.ConntrackTable, error)
	waiting        func(netns uint32, port uint16) (host.Waiting, error)
}

// tracer is a source that can be closed.
type tracer interface {
	watch.Source
	Close() error
}

// directory can be closed.
type directory interface {
	watch.Directory
	Close() error
}

func realEnv() *env {
	return &env{
		stdout: os.Stdout, stderr: os.Stderr, environ: os.Environ(), now: time.Now,
		machine: host.ThisMachine,
		open: func(o probe.Options) (tracer, error) {
			t, err := probe.Open(o)
			if err != nil {
				return nil, err
			}
			go releaseMemory(os.Environ())
			return t, nil
		},
		counters:  func() watch.Counters { return host.NewSampler(append(cause.Counters(), watch.Accepted)) },
		directory: func() directory { return host.NewDirectory() },
		survey:    host.Survey,
		conntrack: openConntrack,
		table:     host.ReadConntrack,
		waiting:   host.ReadWaiting,
	}
}
