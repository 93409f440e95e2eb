// SPDX-License-Identifier: Apache-2.0

// Command testsum sums up tests.
//
//	go test -json ./... | testsum build/unit.log
//
// prints what go test prints without -json, and keeps in the file what the tests
// printed.
//
//	testsum -skips build/unit.log build/matrix/*.log
//
// counts the skips in such files, and in the output of tests that ran in a VM, by
// reason.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
)

func main() {
	skips := flag.Bool("skips", false, "count the skips in the files")
	flag.Parse()
	if err := run(*skips, flag.Args(), os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "testsum:", err)
		os.Exit(1)
	}
}

func run(skips bool, files []string, stdin io.Reader, stdout io.Writer) error {
	if skips {
		return sumFiles(files, stdout)
	}
	if len(files) != 1 {
		return errors.New("name one file to keep the tests' output in")
	}
	log, err := os.Create(files[0])
	if err != nil {
		return err
	}
	return errors.Join(follow(stdin, stdout, log), log.Close())
}
