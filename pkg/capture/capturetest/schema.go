// SPDX-License-Identifier: Apache-2.0

package capturetest

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/synwatch/synwatch/docs"
)

// schema is the published one.
var schema = sync.OnceValues(func() (*jsonschema.Schema, error) {
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(docs.Schema1))
	if err != nil {
		return nil, err
	}
	const name = "schema-1.json"
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource(name, document); err != nil {
		return nil, err
	}
	return c.Compile(name)
})

// CheckLine says how a line of a capture differs from the published schema. A line is an
// object without repeated keys.
func CheckLine(line []byte) error {
	s, err := schema()
	if err != nil {
		return err
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(line))
	if err != nil {
		return err
	}
	if err := s.Validate(v); err != nil {
		var why *jsonschema.ValidationError
		if errors.As(err, &why) {
			return fmt.Errorf("not of docs/schema-1.json: %s", strings.Join(reasons(why), "; "))
		}
		return err
	}
	return nil
}

// reasons are those that have no further ones.
func reasons(e *jsonschema.ValidationError) []string {
	if len(e.Causes) == 0 {
		return []string{strings.TrimPrefix(e.Error(), "jsonschema validation failed with ")}
	}
	var all []string
	for _, cause := range e.Causes {
		all = append(all, reasons(cause)...)
	}
	return all
}

// CheckLines checks all lines of a capture.
func CheckLines(t testing.TB, text string) {
	t.Helper()
	for line := range strings.Lines(text) {
		if err := CheckLine([]byte(line)); err != nil {
			t.Errorf("%v in %s", err, line)
		}
	}
}

// checkedEach is how many lines a Checker checks one by one.
const checkedEach = 1000

// Checker checks lines, of which there may be millions: after the first it checks only
// those that differ from all before in more than their digits.
type Checker struct {
	mu    sync.Mutex
	lines int
	seen  map[string]bool
}

// Check is CheckLine. It may be called by several goroutines.
func (c *Checker) Check(line []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lines++
	shape := bytes.Map(withoutDigits, line)
	if c.lines > checkedEach && c.seen[string(shape)] {
		return nil
	}
	if err := CheckLine(line); err != nil {
		return err
	}
	if c.seen == nil || len(c.seen) > checkedEach {
		c.seen = map[string]bool{}
	}
	c.seen[string(shape)] = true
	return nil
}

func withoutDigits(r rune) rune {
	if '0' <= r && r <= '9' {
		return -1
	}
	return r
}
