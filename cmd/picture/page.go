// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	"github.com/chromedp/chromedp"
	"github.com/spf13/cobra"
)

func newPage() *cobra.Command {
	var output, element string
	var width int
	cmd := &cobra.Command{
		Use:   "page --output FILE [flags] PAGE",
		Short: "write what a browser shows of a page, or of an element of it, as a PNG",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			png, err := photograph(cmd.Context(), args[0], element, width)
			if err != nil {
				return err
			}
			return os.WriteFile(output, png, 0o644)
		},
	}
	f := cmd.Flags()
	f.StringVar(&element, "element", "body", "show this element, by its CSS `SELECTOR`")
	f.IntVar(&width, "width", 1000, "of the window, in `PIXELS`")
	f.StringVarP(&output, "output", "o", "", "write to this `FILE`")
	if err := cmd.MarkFlagRequired("output"); err != nil {
		panic(err)
	}
	return cmd
}

// photograph returns the picture of an element of a page, as a PNG.
func photograph(ctx context.Context, page, element string, width int) ([]byte, error) {
	path, err := filepath.Abs(page)
	if err != nil {
		return nil, err
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.DisableGPU, chromedp.WindowSize(width, width))
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // which cannot be had as root
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	ctx, stop := chromedp.NewExecAllocator(ctx, options...)
	defer stop()
	ctx, end := chromedp.NewContext(ctx)
	defer end()
	var png []byte
	err = chromedp.Do(ctx, chromedp.Navigate((&url.URL{Scheme: "file", Path: path}).String()))
	if err == nil {
		png, err = chromedp.Run(ctx, chromedp.Screenshot(element))
	}
	if err != nil {
		return nil, fmt.Errorf("photograph %s of %s: %w", element, page, err)
	}
	return png, nil
}
