// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"strings"

	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/probe"
)

// withoutModes adds the modes that SYNWATCH_TEST_WITHOUT lists, in which nothing is to be
// attached: so that the others are tested on a kernel that would prefer these.
func withoutModes(o probe.Options) probe.Options {
	for mode := range strings.SplitSeq(os.Getenv("SYNWATCH_TEST_WITHOUT"), ",") {
		o.Without = append(o.Without, event.Mode(mode))
	}
	return o
}

// testEnv is that of the program, with these modes left out.
func testEnv() *env {
	e := realEnv()
	open := e.open
	e.open = func(o probe.Options) (tracer, error) { return open(withoutModes(o)) }
	return e
}
