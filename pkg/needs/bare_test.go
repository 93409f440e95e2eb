// SPDX-License-Identifier: Apache-2.0

package needs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const root = "../.."

// callsOf returns, of each Go file of the repository, the last names of all it calls,
// and of what: "t" and "Skip" for t.Skip().
func callsOf(t *testing.T, each func(file string, at token.Position, of, name string)) {
	t.Helper()
	Source(t, filepath.Join(root, "Makefile"))
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") {
			return err
		}
		files := token.NewFileSet()
		file, err := parser.ParseFile(files, path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok {
				if s, ok := call.Fun.(*ast.SelectorExpr); ok {
					of, _ := s.X.(*ast.Ident)
					each(path, files.Position(s.Sel.Pos()), identName(of), s.Sel.Name)
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func identName(id *ast.Ident) string {
	if id == nil {
		return ""
	}
	return id.Name
}

// No test skips but through this package.
func TestNoTestSkipsByItself(t *testing.T) {
	callsOf(t, func(file string, at token.Position, _, name string) {
		if slices.Contains([]string{"Skip", "Skipf", "SkipNow"}, name) && filepath.Dir(file) != filepath.Join(root, "pkg/needs") {
			t.Errorf("%s: %s, which pkg/needs is for", at, name)
		}
	})
}

// Packages whose tests need root run one at a time: they make network namespaces and
// drop packets, and a number of a namespace that is gone is given to the next.
func TestWhatNeedsRootRunsAlone(t *testing.T) {
	var want []string
	callsOf(t, func(file string, _ token.Position, of, name string) {
		dir := "." + strings.TrimPrefix(filepath.Dir(file), root)
		needsRoot := of == "needs" && (name == "Root" || name == "VM") || of == "netnstest"
		if needsRoot && strings.HasSuffix(file, "_test.go") && !slices.Contains(want, dir) {
			want = append(want, dir)
		}
	})
	text, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "\nALONE := ")
	line, _, _ := strings.Cut(rest, "\n")
	got := strings.Fields(line)
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("the Makefile has ALONE := %s, want %s", strings.Join(got, " "), strings.Join(want, " "))
	}
}
