// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
)

// schema is the names of the constants, in their order.
type schema struct {
	facts      []string
	hooks      []string // without what they begin with, Hook
	directions []string
}

// read takes them from the sources in a directory.
func read(dir string) (*schema, error) {
	facts, err := constants(filepath.Join(dir, "facts.go"), "Facts")
	if err != nil {
		return nil, err
	}
	hooks, err := constants(filepath.Join(dir, "hooks.go"), "Hook")
	if err != nil {
		return nil, err
	}
	directions, err := constants(filepath.Join(dir, "direction.go"), "Direction")
	if err != nil {
		return nil, err
	}
	s := &schema{facts: facts, directions: directions}
	for _, h := range hooks {
		s.hooks = append(s.hooks, h[len("Hook"):])
	}
	return s, nil
}

// constants lists the exported ones of the file's first block of a type.
func constants(file, typ string) ([]string, error) {
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
	if err != nil {
		return nil, fmt.Errorf("read schema: %w", err)
	}
	for _, d := range parsed.Decls {
		block, ok := d.(*ast.GenDecl)
		if !ok || block.Tok != token.CONST || !isOf(block.Specs[0], typ) {
			continue
		}
		var names []string
		for _, spec := range block.Specs {
			for _, name := range spec.(*ast.ValueSpec).Names {
				if name.IsExported() {
					names = append(names, name.Name)
				}
			}
		}
		return names, nil
	}
	return nil, fmt.Errorf("read schema: %s has no constants of type %s", file, typ)
}

func isOf(spec ast.Spec, typ string) bool {
	t, ok := spec.(*ast.ValueSpec).Type.(*ast.Ident)
	return ok && t.Name == typ
}
