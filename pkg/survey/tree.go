// SPDX-License-Identifier: Apache-2.0

package survey

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	securejoin "github.com/cyphar/filepath-securejoin"
	"github.com/synwatch/synwatch/pkg/proc"
)

// maxFile bounds what is read of one file of a saved tree.
const maxFile = 64 << 20

// Tree is where a machine's files are: the running one's, or a tree that was
// saved from another. No link leads out of a saved tree.
type Tree struct {
	dir string
	// files are those that a saved tree holds as parts of other files, by their
	// paths.
	files map[string]string
}

// running is the machine that the process runs on.
var running = Tree{}

// SavedTree is the tree below a directory: a sosreport's, or a container's root.
func SavedTree(dir string) (Tree, error) {
	info, err := os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return Tree{}, fmt.Errorf("there is no %s", dir)
	}
	if err != nil {
		return Tree{}, err
	}
	if !info.IsDir() {
		return Tree{}, fmt.Errorf("%s is not a directory", dir)
	}
	dir, err = filepath.Abs(dir)
	return Tree{dir: dir, files: map[string]string{}}, err
}

// saved tells a saved tree from the running machine.
func (t Tree) saved() bool { return t.dir != "" }

// locate is where a file really is, its links followed.
func (t Tree) locate(path string) (string, error) {
	if t.saved() {
		return securejoin.SecureJoin(t.dir, path)
	}
	return filepath.EvalSymlinks(path)
}

// name is how the machine itself names a file that locate found.
func (t Tree) name(at string) string {
	return filepath.Join("/", strings.TrimPrefix(at, t.dir))
}

// open opens a file that the machine names by an absolute path.
func (t Tree) open(path string) (*os.File, error) {
	if t.saved() {
		at, err := t.locate(path)
		if err != nil {
			return nil, err
		}
		path = at
	}
	return openPlain(path)
}

// read reads such a file.
func (t Tree) read(path string) (string, error) {
	f, err := t.open(path)
	if text, ok := t.files[path]; ok && errors.Is(err, fs.ErrNotExist) {
		return text, nil
	}
	if err != nil {
		return "", err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile))
	return string(text), err
}

// openPlain opens a regular file: a device or a pipe in a saved tree might never
// end.
func openPlain(path string) (*os.File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "read", Path: path, Err: errors.New("not a regular file")}
	}
	return os.Open(path)
}

// list lists a directory by name.
func (t Tree) list(dir string) []string {
	var found []string
	if at, err := t.locate(dir); err == nil {
		found = proc.List(at)
	}
	for name := range t.files {
		if filepath.Dir(name) == filepath.Clean(dir) {
			found = append(found, filepath.Base(name))
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}
