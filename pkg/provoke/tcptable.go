// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"errors"
	"fmt"
	"os"
	"strings"
)

// States of include/net/tcp_states.h.
const (
	stateSynRecv  = 3
	stateTimeWait = 6
	stateListen   = 10
)

// tcpEntry is a socket as /proc/net/tcp shows it.
type tcpEntry struct {
	local, remote uint16 // ports
	state         uint8
}

// tcpTable lists the sockets of the namespace that do enters.
func tcpTable(do func(func() error) error) (all []tcpEntry, err error) {
	err = do(func() error {
		for _, name := range []string{"tcp", "tcp6"} {
			text, err := os.ReadFile("/proc/thread-self/net/" + name)
			if errors.Is(err, os.ErrNotExist) {
				continue // no IPv6
			}
			if err != nil {
				return err
			}
			entries, err := parseTCP(string(text))
			if err != nil {
				return fmt.Errorf("read /proc/net/%s: %w", name, err)
			}
			all = append(all, entries...)
		}
		return nil
	})
	return all, err
}

func parseTCP(text string) (all []tcpEntry, err error) {
	for line := range strings.Lines(text) {
		// sl local_address rem_address st …, with addresses as ADDR:PORT in hex.
		fields := strings.Fields(line)
		if len(fields) < 4 || fields[0] == "sl" {
			continue
		}
		var e tcpEntry
		_, local, _ := strings.Cut(fields[1], ":")
		_, remote, _ := strings.Cut(fields[2], ":")
		if _, err := fmt.Sscanf(local+" "+remote+" "+fields[3], "%x %x %x", &e.local, &e.remote, &e.state); err != nil {
			return nil, fmt.Errorf("%q: %w", line, err)
		}
		all = append(all, e)
	}
	return all, nil
}
