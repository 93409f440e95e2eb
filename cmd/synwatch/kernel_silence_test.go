// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"testing"

	"github.com/synwatch/synwatch/pkg/needs"
	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/synwatch/synwatch/pkg/provoke"
)

// checkSilence demands that there is nothing else: no record in the other namespaces
// of the labs and, where no other program sends packets, none at all.
func checkSilence(t *testing.T, byNetns map[uint32][]record, trials []*trial) {
	t.Helper()
	labs := map[uint32]bool{}
	for _, tr := range trials {
		if tr.lab == nil {
			continue
		}
		labs[tr.lab.BackendNetns()], labs[clientNetns(t, tr.lab)] = true, true
	}
	delete(labs, 0) // of a lab without a backend
	for inode, rs := range byNetns {
		if !labs[inode] && !needs.InVM() {
			continue
		}
		for _, r := range rs {
			t.Errorf("reported and not provoked: %v", r)
		}
	}
}

// clientNetns is the inode number of the client's namespace.
func clientNetns(t *testing.T, lab *provoke.Lab) (inode uint32) {
	t.Helper()
	err := lab.ClientDo(func() error {
		var ok bool
		if inode, ok = netns.Own(); !ok {
			return errors.New("no network namespace here")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return inode
}
