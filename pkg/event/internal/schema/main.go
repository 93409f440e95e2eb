// SPDX-License-Identifier: Apache-2.0

// Command schema makes, of the constants of package event, what the kernel side
// and the names need: bpf/schema.h and pkg/event/schema_gen.go. It is run in the
// repository's root.
package main

import (
	"fmt"
	"log"
	"os"
)

func main() {
	log.SetFlags(0)
	if err := write("."); err != nil {
		log.Fatal(err)
	}
}

// write brings the files below root up to date.
func write(root string) error {
	files, err := generate(root)
	if err != nil {
		return err
	}
	for name, text := range files {
		if err := os.WriteFile(root+"/"+name, text, 0o644); err != nil {
			return fmt.Errorf("write schema: %w", err)
		}
	}
	return nil
}

// generate returns the files' contents by name.
func generate(root string) (map[string][]byte, error) {
	s, err := read(root + "/pkg/event")
	if err != nil {
		return nil, err
	}
	names, err := s.goFile()
	if err != nil {
		return nil, err
	}
	return map[string][]byte{"bpf/schema.h": s.header(), "pkg/event/schema_gen.go": names}, nil
}
