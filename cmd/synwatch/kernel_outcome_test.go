// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/synwatch/synwatch/pkg/provoke"
)

// outcome is a cell of the table.
type outcome struct {
	Kernel string `json:"kernel"`
	Cause  string `json:"cause"`
	Stage  string `json:"stage,omitempty"`
	Family string `json:"family"`
	Status string `json:"status"`
	Why    string `json:"why,omitempty"`
}

func (o *outcome) skip(t *testing.T, err error) {
	var missing *provoke.MissingError
	if !errors.As(err, &missing) {
		t.Fatalf("a provocation is missing for no stated reason: %v", err)
	}
	o.Status, o.Why = "skip", err.Error()
}

func (o *outcome) unseen(why string) {
	o.Status, o.Why = "unseen", why
}

func (o *outcome) report(t *testing.T) {
	if t.Failed() || o.Status == "" {
		o.Status = "fail"
	}
	line, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Printf("matrix: %s\n", line)
}
