// SPDX-License-Identifier: Apache-2.0

// Command synwatch names every refused incoming TCP connection: with its cause,
// its source and exact counts.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	signal.Ignore(syscall.SIGPIPE) // so that a closed pipe is an error of the write
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the second signal kills
	os.Exit(run(ctx, realEnv(), os.Args[1:]))
}
