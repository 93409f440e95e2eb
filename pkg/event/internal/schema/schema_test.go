// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const root = "../../../.."

// What was generated must be of the constants as they are.
func TestUpToDate(t *testing.T) {
	files, err := generate(root)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		got, err := os.ReadFile(root + "/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s is not what 'make generate' makes (-want +got):\n%s", name, diff)
		}
	}
}

func TestWords(t *testing.T) {
	for name, want := range map[string][]string{
		"Reserved": {"Reserved"}, "FinalACK": {"Final", "ACK"}, "PAWSOldACK": {"PAWS", "Old", "ACK"},
		"ICMPError": {"ICMP", "Error"}, "PAWS": {"PAWS"}, "TimeWaitSocket": {"Time", "Wait", "Socket"},
	} {
		if got := words(name); !slices.Equal(got, want) {
			t.Errorf("%s is taken for %q", name, got)
		}
	}
}
