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
			go thrift(os.Environ())
			return t, nil
		},
		counters:  func() watch.Counters { return host.NewSampler(cause.Counters()) },
		directory: func() directory { return host.NewDirectory() },
	}
}
