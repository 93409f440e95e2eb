// SPDX-License-Identifier: Apache-2.0

package man

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
)

// Write writes the pages of a command and of those below it into a directory, which it
// makes.
func Write(dir string, cmd *cobra.Command, o Options) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	errs := []error{os.WriteFile(filepath.Join(dir, Name(cmd)+"."+Section), []byte(Page(cmd, o)), 0o644)}
	for _, sub := range subcommands(cmd) {
		errs = append(errs, Write(dir, sub, o))
	}
	return errors.Join(errs...)
}
