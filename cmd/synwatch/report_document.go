// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"
	"github.com/synwatch/synwatch/pkg/report"
	"github.com/synwatch/synwatch/pkg/text"
)

// document is a form of a report and where it goes.
type document struct {
	path   string // empty for the standard output
	stdout io.Writer
	render func(*report.Report, io.Writer) error
}

// documents are those that the options ask for.
func (e *env) documents(ctx context.Context, o *reportOptions) ([]document, error) {
	palette, err := text.NewPalette(o.color, e.stdout, e.environ)
	if err != nil {
		return nil, usageError{fmt.Errorf("--color %s: %w", o.color, err)}
	}
	if o.output != "" && o.color == "auto" {
		palette = text.Palette{}
	}
	stdout := untilUnread(ctx, e.stdout)
	var all []document
	if o.html != "" {
		d := document{path: o.html, stdout: stdout, render: (*report.Report).HTML}
		if o.html == "-" {
			d.path = ""
		}
		all = append(all, d)
	}
	if o.html == "" || o.markdown || o.output != "" {
		d := document{path: o.output, stdout: stdout, render: func(r *report.Report, w io.Writer) error { return r.Text(w, palette) }}
		if o.markdown {
			d.render = (*report.Report).Markdown
		}
		all = append(all, d)
	}
	if len(all) == 2 && all[0].path == all[1].path {
		return nil, usageError{errors.New("two reports would go to the same place: name a file for each")}
	}
	for i := range all {
		if err := all[i].writable(); err != nil {
			return nil, usageError{err}
		}
	}
	return all, nil
}

// writable says why the document cannot be written, before a capture is read, which
// may take its time.
func (d *document) writable() error {
	if d.path == "" {
		return nil
	}
	if info, err := os.Stat(d.path); err == nil && info.IsDir() {
		return fmt.Errorf("%s is a directory", d.path)
	} else if err == nil && !info.Mode().IsRegular() {
		return nil
	}
	f, err := pending(d.path)
	if err != nil {
		return fmt.Errorf("%s cannot be written: %w", d.path, withoutName(err))
	}
	return f.Cleanup()
}

// write writes the whole document or, on an error, leaves the file as it was.
func (d *document) write(r *report.Report) error {
	var b bytes.Buffer
	if err := d.render(r, &b); err != nil {
		return err
	}
	if d.path == "" {
		_, err := b.WriteTo(d.stdout)
		return err
	}
	if err := replace(d.path, b.Bytes()); err != nil {
		return fmt.Errorf("write %s: %w", d.path, withoutName(err))
	}
	return nil
}

// replace puts a whole file in the place of what is there, so that nobody reads a part
// of one. What is no file, as /dev/stdout, is written to.
func replace(path string, data []byte) (err error) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		_, err = f.Write(data)
		return errors.Join(err, f.Close())
	}
	f, err := pending(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Cleanup()) }() // does nothing once it is in place
	if _, err := f.Write(data); err != nil {
		return err
	}
	return f.CloseAtomicallyReplace()
}

// pending is what will be the file, in the directory of the file that a link names.
func pending(path string) (*renameio.PendingFile, error) {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	return renameio.NewPendingFile(path, renameio.WithTempDir(filepath.Dir(path)), renameio.WithPermissions(0o644), renameio.WithExistingPermissions())
}

// withoutName leaves the name of a temporary file out of an error.
func withoutName(err error) error {
	var of *fs.PathError
	if errors.As(err, &of) {
		return of.Err
	}
	return err
}
