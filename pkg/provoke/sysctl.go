// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
)

// sysctls are values by name below net: {"ipv4/tcp_syncookies": "1"}. A name
// that starts with "@" is not a sysctl: it only reserves something.
type sysctls map[string]string

// listenerDefaults are the settings that decide what a listener does with a
// SYN. A provocation that depends on one of them claims them all.
var listenerDefaults = sysctls{
	"ipv4/tcp_syncookies":        "1",
	"ipv4/tcp_abort_on_overflow": "0",
	"ipv4/tcp_max_syn_backlog":   "1024",
	"ipv4/tcp_synack_retries":    "5",
}

func (s sysctls) with(name, value string) sysctls {
	out := maps.Clone(s)
	out[name] = value
	return out
}

// writeSysctl sets a value in the network namespace of the current thread.
func writeSysctl(name, value string) error {
	if err := os.WriteFile("/proc/sys/net/"+name, []byte(value), 0); err != nil {
		return fmt.Errorf("set net/%s to %s: %w", name, value, err)
	}
	return nil
}

func readSysctl(name string) (string, error) {
	b, err := os.ReadFile("/proc/sys/net/" + name)
	if err != nil {
		return "", fmt.Errorf("read net/%s: %w", name, err)
	}
	return strings.TrimSpace(string(b)), nil
}

func (l *Lab) writeSysctl(name, value string) error {
	return l.ServerDo(func() error { return writeSysctl(name, value) })
}

func (l *Lab) readSysctl(name string) (value string, err error) {
	err = l.ServerDo(func() error {
		value, err = readSysctl(name)
		return err
	})
	return value, err
}

// claims are the settings that runs in one lab rely on at this moment. Runs
// that want different values of one setting follow each other.
type claims struct {
	read  func(name string) (string, error)
	write func(name, value string) error

	mu      sync.Mutex
	held    map[string]*claim
	changed chan struct{} // closed when a claim ends
}

type claim struct {
	value, old string
	holders    int
}

// acquire sets all values at once, when no other run relies on other ones.
func (c *claims) acquire(ctx context.Context, want sysctls) error {
	for {
		c.mu.Lock()
		if c.compatible(want) {
			defer c.mu.Unlock()
			return c.take(want)
		}
		changed := c.changed
		c.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("wait for another run's settings: %w", ctx.Err())
		}
	}
}

func (c *claims) compatible(want sysctls) bool {
	for name, value := range want {
		if h := c.held[name]; h != nil && h.value != value {
			return false
		}
	}
	return true
}

func (c *claims) take(want sysctls) error {
	if c.held == nil {
		c.held, c.changed = map[string]*claim{}, make(chan struct{})
	}
	taken := sysctls{}
	for _, name := range want.inOrder() {
		if err := c.takeOne(name, want[name]); err != nil {
			return errors.Join(err, c.give(taken))
		}
		taken[name] = want[name]
	}
	return nil
}

// inOrder is the order to write in: ipv4/ip_forward first, which also writes the
// interfaces' own (net/ipv4/devinet.c:inet_forward_change), as they come before it
// in the alphabet.
func (s sysctls) inOrder() []string {
	names := slices.Sorted(maps.Keys(s))
	slices.Reverse(names)
	return names
}

func (c *claims) takeOne(name, value string) (err error) {
	if h := c.held[name]; h != nil {
		h.holders++
		return nil
	}
	h := &claim{value: value, holders: 1}
	if !strings.HasPrefix(name, "@") {
		if h.old, err = c.read(name); err != nil {
			return err
		}
		if err := c.write(name, value); err != nil {
			return err
		}
	}
	c.held[name] = h
	return nil
}

// release restores the values that no other run relies on.
func (c *claims) release(had sysctls) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.give(had)
}

func (c *claims) give(had sysctls) (err error) {
	for _, name := range slices.Backward(had.inOrder()) {
		h := c.held[name]
		if h.holders--; h.holders > 0 {
			continue
		}
		delete(c.held, name)
		if !strings.HasPrefix(name, "@") {
			err = errors.Join(err, c.write(name, h.old))
		}
	}
	close(c.changed)
	c.changed = make(chan struct{})
	return err
}
