// SPDX-License-Identifier: Apache-2.0

package causetest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// In a directory the recordings are a file of what kernels gave, with a line an
// event, and a file a kernel of what can be observed there.
const (
	provokedFile = "provoked.json"
	kernelsDir   = "kernels"
)

// document is provokedFile.
type document struct {
	Provoked []documentTake   `json:"provoked"`
	Passed   []documentPassed `json:"passed"`
}

type documentTake struct {
	Provoked
	// Seen are kernels by families, as kernels mostly have the same.
	Seen map[string]string `json:"seen"`
}

type documentPassed struct {
	Event
	Kernels string `json:"kernels"`
}

// Read reads a directory. One that is empty or not there has no recordings.
func Read(dir string) (*Recordings, error) {
	r := &Recordings{Kernels: map[string]*Coverage{}}
	files, err := filepath.Glob(filepath.Join(dir, kernelsDir, "*.json"))
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		c := &Coverage{}
		if err := readJSON(file, c); err != nil {
			return nil, err
		}
		r.Kernels[strings.TrimSuffix(filepath.Base(file), ".json")] = c
	}
	var doc document
	if err := readJSON(filepath.Join(dir, provokedFile), &doc); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, t := range doc.Provoked {
		seen := map[string][]string{}
		for families, kernels := range t.Seen {
			for kernel := range strings.FieldsSeq(kernels) {
				seen[kernel] = strings.Fields(families)
			}
		}
		r.Takes = append(r.Takes, Take{t.Provoked, seen})
	}
	for _, p := range doc.Passed {
		r.Passed = append(r.Passed, Passed{p.Event, strings.Fields(p.Kernels)})
	}
	r.sort()
	return r, nil
}

func readJSON(file string, v any) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, v); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return nil
}

// Write writes the recordings to a directory.
func (r *Recordings) Write(dir string) error {
	r.sort()
	if err := os.MkdirAll(filepath.Join(dir, kernelsDir), 0o755); err != nil {
		return err
	}
	for kernel, c := range r.Kernels {
		text, err := json.MarshalIndent(c, "", "\t")
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, kernelsDir, kernel+".json"), append(text, '\n'), 0o644); err != nil {
			return err
		}
	}
	var w lineWriter
	w.write(r)
	return errors.Join(w.err, os.WriteFile(filepath.Join(dir, provokedFile), w.Bytes(), 0o644))
}

// lineWriter writes JSON in which an event is a line.
type lineWriter struct {
	bytes.Buffer
	err error
}

func (w *lineWriter) write(r *Recordings) {
	w.WriteString("{\n\"provoked\": [")
	for i, t := range r.Takes {
		w.separate(i, "{")
		w.field("name", t.Name)
		w.field("seen", seenBy(t.Seen))
		if t.Unseen {
			w.field("unseen", true)
		}
		if t.Partial {
			w.field("partial", true)
		}
		w.field("want", t.Want)
		if t.Counters != nil {
			w.field("counters", t.Counters)
		}
		w.WriteString("\"events\": [")
		for i, e := range t.Events {
			w.separate(i, "\t")
			w.value(e)
		}
		w.WriteString("\n]}")
	}
	w.WriteString("],\n\"passed\": [")
	for i, p := range r.Passed {
		w.separate(i, "\t")
		w.value(documentPassed{p.Event, strings.Join(p.Kernels, " ")})
	}
	w.WriteString("\n]\n}\n")
}

func (w *lineWriter) separate(i int, before string) {
	if i > 0 {
		w.WriteByte(',')
	}
	w.WriteString("\n" + before)
}

func (w *lineWriter) field(name string, v any) {
	fmt.Fprintf(w, "%q: ", name)
	w.value(v)
	w.WriteString(",\n")
}

func (w *lineWriter) value(v any) {
	text, err := json.Marshal(v)
	w.Write(text)
	w.err = errors.Join(w.err, err)
}

// seenBy turns families by kernel into kernels by families.
func seenBy(seen map[string][]string) map[string]string {
	kernels := map[string][]string{}
	for kernel, families := range seen {
		key := strings.Join(families, " ")
		kernels[key] = append(kernels[key], kernel)
	}
	out := map[string]string{}
	for families, ks := range kernels {
		slices.SortFunc(ks, compareKernels)
		out[families] = strings.Join(ks, " ")
	}
	return out
}
