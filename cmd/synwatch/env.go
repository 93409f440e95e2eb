// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io"
	"os"
	"time"

	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/synwatch/synwatch/pkg/conntrack"
	"github.com/synwatch/synwatch/pkg/enrich"
	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/synwatch/synwatch/pkg/nstat"
	"github.com/synwatch/synwatch/pkg/probe"
	"github.com/synwatch/synwatch/pkg/sockets"
	"github.com/synwatch/synwatch/pkg/survey"
	"github.com/synwatch/synwatch/pkg/watch"
)

// env is what the commands need of the world, so that they can be tested
// without it.
type env struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	environ        []string
	now            func() time.Time
	machine        func() (survey.Machine, error)
	open           func(probe.Options) (tracer, error)
	counters       func() watch.Counters
	directory      func() directory
	addresses      func() watch.Addresses
	gauges         func() watch.Gauges
	survey         func(netns []uint32) (*survey.Snapshot, error)
	conntrack      func(netns uint32) (conntrackTable, error)
	table          func(id netns.ID) (*conntrack.NetnsTable, error)
	waiting        func(id netns.ID, port uint16) (sockets.Waiting, error)
	surveyNetns    func(id netns.ID) (*survey.Snapshot, error)
	// keeper says that a screen is shown by a process of its own.
	keeper bool
	// patience is how long a record waits for what is to be found out of it, and
	// undirected how long an event waits for its direction; 0 for what is usual.
	patience, undirected time.Duration
	// samples is the time between two samples of the output that has them; 0 for none.
	samples time.Duration
	growth  growth
}

// tracer is a source that can be closed.
type tracer interface {
	watch.Source
	Close() error
}

// directory can be closed.
type directory interface {
	watch.Enricher
	Close() error
}

func realEnv() *env {
	return &env{
		stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, environ: os.Environ(), now: time.Now,
		machine: survey.ThisMachine,
		open: func(o probe.Options) (tracer, error) {
			t, err := probe.Open(o)
			if err != nil {
				return nil, err
			}
			go releaseMemory(os.Environ())
			return t, nil
		},
		counters:  func() watch.Counters { return nstat.NewSampler(append(cause.Counters(), watch.Accepted)) },
		directory: func() directory { return enrich.NewCache() },
		addresses: func() watch.Addresses { return netns.NewAddressReader() },
		gauges:    func() watch.Gauges { return enrich.NewGauges() },
		samples:   time.Second,
		survey:    survey.Running,
		conntrack: openConntrack,
		table:     conntrack.ReadNetns,
		waiting:   sockets.ReadWaiting,

		surveyNetns: survey.InNetns,
		keeper:      true,
	}
}
