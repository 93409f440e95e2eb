// SPDX-License-Identifier: Apache-2.0

package host

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"github.com/prometheus/procfs"
)

// Values are the values of kernel counters by name. A counter that the kernel
// does not have, or not yet as its module is not loaded, is missing.
type Values map[string]uint64

// tables is what one network namespace's counters are read from.
type tables struct {
	ext       procfs.TcpExt
	tcp       procfs.Tcp
	conntrack []procfs.ConntrackStatEntry // a row a CPU
}

// getters says where each counter is to be found. They are named as nstat names
// them, connection tracking's as conntrack -S does with the prefix Conntrack.
var getters = map[string]func(*tables) (uint64, bool){
	"TcpExtListenOverflows":  extension(func(t *procfs.TcpExt) *float64 { return t.ListenOverflows }),
	"TcpExtListenDrops":      extension(func(t *procfs.TcpExt) *float64 { return t.ListenDrops }),
	"TcpExtTCPReqQFullDrop":  extension(func(t *procfs.TcpExt) *float64 { return t.TCPReqQFullDrop }),
	"TcpExtSyncookiesSent":   extension(func(t *procfs.TcpExt) *float64 { return t.SyncookiesSent }),
	"TcpExtSyncookiesFailed": extension(func(t *procfs.TcpExt) *float64 { return t.SyncookiesFailed }),
	"TcpInCsumErrors":        basic(func(t *procfs.Tcp) *float64 { return t.InCsumErrors }),
	"Conntrackdrop":          tracking(func(e *procfs.ConntrackStatEntry) uint64 { return e.Drop }),
	"Conntrackinsert_failed": tracking(func(e *procfs.ConntrackStatEntry) uint64 { return e.InsertFailed }),
}

func extension(field func(*procfs.TcpExt) *float64) func(*tables) (uint64, bool) {
	return func(t *tables) (uint64, bool) { return whole(field(&t.ext)) }
}

func basic(field func(*procfs.Tcp) *float64) func(*tables) (uint64, bool) {
	return func(t *tables) (uint64, bool) { return whole(field(&t.tcp)) }
}

func tracking(field func(*procfs.ConntrackStatEntry) uint64) func(*tables) (uint64, bool) {
	return func(t *tables) (uint64, bool) {
		var sum uint64
		for i := range t.conntrack {
			sum += field(&t.conntrack[i])
		}
		return sum, t.conntrack != nil
	}
}

// whole converts a counter that procfs parsed as a float, exact below 2^53.
func whole(f *float64) (uint64, bool) {
	if f == nil {
		return 0, false
	}
	return uint64(*f), true
}

// readThread reads the counters of the network namespace that the calling
// thread is in. The goroutine must be locked to the thread.
func readThread(names []string) (Values, error) {
	// The link has the numbers of the PID namespace that /proc was mounted in.
	self, err := os.Readlink(procDir + "/thread-self")
	if err != nil {
		return nil, err
	}
	t, err := readTables(filepath.Join(procDir, self))
	if err != nil {
		return nil, err
	}
	values := Values{}
	for _, name := range names {
		if v, ok := getters[name](t); ok {
			values[name] = v
		}
	}
	return values, nil
}

func readTables(thread string) (*tables, error) {
	tid, err := strconv.Atoi(filepath.Base(thread))
	if err != nil {
		return nil, fmt.Errorf("read thread ID: %w", err)
	}
	siblings, err := procfs.NewFS(filepath.Dir(thread))
	if err != nil {
		return nil, err
	}
	proc, err := siblings.Proc(tid)
	if err != nil {
		return nil, err
	}
	ext, err := proc.Netstat()
	if err != nil {
		return nil, err
	}
	basic, err := proc.Snmp()
	if err != nil {
		return nil, err
	}
	own, err := procfs.NewFS(thread)
	if err != nil {
		return nil, err
	}
	conntrack, err := own.ConntrackStat()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return &tables{ext: ext.TcpExt, tcp: basic.Tcp, conntrack: conntrack}, nil
}
