// SPDX-License-Identifier: Apache-2.0

// Command synwatch names every refused TCP connection: with its cause,
// its source and exact counts.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// echo is how long a signal may come again and be the same: timeout(1) sends it
// to the process, and to the process group.
const echo = 500 * time.Millisecond

func main() { os.Exit(untilSignal(realEnv(), os.Args[1:])) }

// untilSignal runs the command line, which SIGINT and SIGTERM end, and returns its status.
func untilSignal(e *env, args []string) int {
	signal.Ignore(syscall.SIGPIPE) // so that a closed pipe is an error of the write
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, func() { time.AfterFunc(echo, stop) }) // a second signal kills
	return run(ctx, e, args)
}
