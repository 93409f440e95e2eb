// SPDX-License-Identifier: Apache-2.0

// Outage plays an outage of a minute in throw-away network namespaces, for the pictures
// of what synwatch shows of one: make pictures. They stay until it is interrupted. It also
// sets a limit of the whole machine, and therefore runs in a throw-away VM alone.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/synwatch/synwatch/pkg/provoke"
	"golang.org/x/sync/errgroup"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := play(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "outage:", err)
		os.Exit(1)
	}
}

func play(ctx context.Context) (err error) {
	if err := provoke.ThrowAway(); err != nil {
		return err
	}
	shop, err := newShop(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, shop.Close()) }()
	router, err := provoke.NewLab(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, router.Close()) }()
	if err := router.ServerDo(func() error { return name("router") }); err != nil {
		return err
	}
	var all errgroup.Group
	all.Go(func() error { return shop.refuse(ctx, crowds) })
	all.Go(func() error { return shop.fillTable(ctx) })
	all.Go(func() error { return beside(ctx, router) })
	if err := all.Wait(); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}
