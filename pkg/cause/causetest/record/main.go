// SPDX-License-Identifier: Apache-2.0

// Record puts the recordings in logs of kernel tests, each named KERNEL.log, into a
// directory. What it has of other kernels stays.
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/synwatch/synwatch/pkg/cause/causetest"
)

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: record DIR KERNEL.log...")
		os.Exit(2)
	}
	if err := record(os.Args[1], os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, "record:", err)
		os.Exit(1)
	}
}

func record(dir string, logs []string) error {
	recordings, err := causetest.Read(dir)
	if err != nil {
		return err
	}
	for _, log := range logs {
		if err := read(recordings, log); err != nil {
			return fmt.Errorf("%s: %w", log, err)
		}
	}
	return recordings.Write(dir)
}

func read(to *causetest.Recordings, log string) (err error) {
	f, err := os.Open(log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return to.ReadLog(strings.TrimSuffix(filepath.Base(log), ".log"), f)
}
