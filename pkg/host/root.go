// SPDX-License-Identifier: Apache-2.0

package host

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
)

// maxFile bounds what is read of one file of a saved tree.
const maxFile = 64 << 20

// Root is where a machine's files are: the running one's, or a tree that was
// saved from another. No link leads out of a saved tree.
type Root struct{ dir string }

// Running is the machine that the process runs on.
var Running = Root{}

// SavedTree is the tree below a directory: a sosreport's, or a container's root.
func SavedTree(dir string) (Root, error) {
	info, err := os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return Root{}, fmt.Errorf("there is no %s", dir)
	}
	if err != nil {
		return Root{}, err
	}
	if !info.IsDir() {
		return Root{}, fmt.Errorf("%s is not a directory", dir)
	}
	dir, err = filepath.Abs(dir)
	return Root{dir}, err
}

// saved tells a saved tree from the running machine.
func (r Root) saved() bool { return r.dir != "" }

// locate is where a file really is, its links followed.
func (r Root) locate(path string) (string, error) {
	if r.saved() {
		return securejoin.SecureJoin(r.dir, path)
	}
	return filepath.EvalSymlinks(path)
}

// name is how the machine itself names a file that locate found.
func (r Root) name(at string) string {
	return filepath.Join("/", strings.TrimPrefix(at, r.dir))
}

// open opens a file that the machine names by an absolute path.
func (r Root) open(path string) (*os.File, error) {
	if r.saved() {
		at, err := r.locate(path)
		if err != nil {
			return nil, err
		}
		path = at
	}
	return openPlain(path)
}

// read reads such a file.
func (r Root) read(path string) (string, error) {
	f, err := r.open(path)
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
func (r Root) list(dir string) []string {
	at, err := r.locate(dir)
	if err != nil {
		return nil
	}
	found := names(at)
	slices.Sort(found)
	return found
}
