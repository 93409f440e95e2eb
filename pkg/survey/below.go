// SPDX-License-Identifier: Apache-2.0

package survey

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/synwatch/synwatch/pkg/proc"
)

// marks are what tells that a directory is the top of a saved tree, any of them.
var marks = []string{"sos_commands", "proc/net", "proc/sys", "etc/sysctl.conf", "etc/sysctl.d", "network.txt", "networking", "sysctls"}

// OpenSaved reads the saved tree below a directory, or that which is one level further
// down if the directory is no such tree and there is just one, as where a sosreport was
// unpacked.
func OpenSaved(dir string) (*Snapshot, error) {
	s, err := surveyAt(dir)
	if !errors.Is(err, ErrNothing) {
		return s, err
	}
	switch below := treesBelow(dir); len(below) {
	case 0:
		return nil, fmt.Errorf("%s %w", dir, err)
	case 1:
		s, err = surveyAt(filepath.Join(dir, below[0]))
		if err != nil {
			return nil, fmt.Errorf("%s %w", filepath.Join(dir, below[0]), err)
		}
		s.System.Tree = below[0]
		return s, nil
	default:
		return nil, fmt.Errorf("%s holds several saved trees: %s", dir, strings.Join(below, ", "))
	}
}

func surveyAt(dir string) (*Snapshot, error) {
	t, err := SavedTree(dir)
	if err != nil {
		return nil, err
	}
	return t.Survey()
}

// treesBelow lists the directories that are saved trees. A link is none: it may lead
// to where nobody meant to look.
func treesBelow(dir string) []string {
	var found []string
	for _, name := range proc.List(dir) {
		at := filepath.Join(dir, name)
		info, err := os.Lstat(at)
		if err == nil && info.IsDir() && slices.ContainsFunc(marks, func(mark string) bool {
			_, err := os.Lstat(filepath.Join(at, mark))
			return err == nil
		}) {
			found = append(found, name)
		}
	}
	slices.Sort(found)
	return found
}
