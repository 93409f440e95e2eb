// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/synwatch/synwatch/pkg/event"
)

// verdict is whether a word fits.
type verdict uint8

const (
	no verdict = iota
	yes
	// untold: the total that is asked about does not tell.
	untold
)

func is(fits bool) verdict {
	if fits {
		return yes
	}
	return no
}

// test says whether a value fits.
type test func(*subject) verdict

// key is what stands before a value's colon.
type key struct {
	parse func(value string) (test, error)
	// known are the values that there are, nil where that depends on the machine.
	known func() []string
}

// keys are the keys by name.
var keys = map[string]key{
	"cause":     {parseCause, causes},
	"stage":     {parseStage, stages},
	"src":       {parseSrc, nil},
	"dst":       {parseDst, nil},
	"port":      {parsePort, nil},
	"direction": {parseDirection, directions},
	"proto":     {parseProto, protos},
	"netns":     {parseNetns, nil},
	"listener":  {parseListener, nil},
}

// aliases are other names of keys.
var aliases = map[string]string{"comm": "listener"}

// Keys are the names of the keys, in the order in which they are explained.
func Keys() []string {
	return []string{"cause", "stage", "src", "dst", "port", "direction", "proto", "netns", "listener", "comm"}
}

func causes() []string {
	var ids []string
	for _, c := range cause.All() {
		ids = append(ids, c.ID)
	}
	return ids
}

func stages() []string {
	var all []string
	for _, c := range cause.All() {
		all = append(all, cause.Explain(c).Stages...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func directions() []string {
	return []string{string(event.In), string(event.Forward), string(event.Out)}
}

func protos() []string { return []string{"tcp", "udp", "icmp", "icmpv6", "sctp"} }

// meant are those of the names that a value is, else those that it is a part of.
func meant(value string, names []string) ([]string, error) {
	value = strings.ToLower(value)
	if slices.Contains(names, value) {
		return []string{value}, nil
	}
	var parts []string
	for _, name := range names {
		if value != "" && strings.Contains(name, value) {
			parts = append(parts, name)
		}
	}
	if parts == nil {
		return nil, fmt.Errorf("must be one, or a part, of %s", strings.Join(names, ", "))
	}
	return parts, nil
}

func parseCause(value string) (test, error) {
	ids, err := meant(value, causes())
	return func(s *subject) verdict { return is(s.cause != nil && slices.Contains(ids, s.cause.ID)) }, err
}

func parseStage(value string) (test, error) {
	names, err := meant(value, stages())
	return func(s *subject) verdict {
		if s.noStage {
			return untold
		}
		return is(slices.Contains(names, s.stage))
	}, err
}

func parseSrc(value string) (test, error) {
	prefix, err := ParsePrefix(value)
	return func(s *subject) verdict {
		if s.noSource {
			return untold
		}
		return is(prefix.Contains(s.src.Addr()))
	}, err
}

func parseDst(value string) (test, error) {
	prefix, err := ParsePrefix(value)
	return func(s *subject) verdict {
		if s.noAddress {
			return untold
		}
		return is(prefix.Contains(s.dst.Addr()))
	}, err
}

// ofPlaces is a test of what only places tell.
func ofPlaces(fits func(*subject) bool) test {
	return func(s *subject) verdict {
		if s.noPlace {
			return untold
		}
		return is(fits(s))
	}
}

func parsePort(value string) (test, error) {
	port, err := ParsePort(value)
	return ofPlaces(func(s *subject) bool { return s.dst.Port() == port }), err
}

func parseDirection(value string) (test, error) {
	d, err := event.ParseDirection(strings.ToLower(value))
	return ofPlaces(func(s *subject) bool { return s.direction == d }), err
}

func parseProto(value string) (test, error) {
	p, err := event.ParseProto(strings.ToLower(value))
	if err != nil {
		err = fmt.Errorf("must be a name (%s, ...) or a number", strings.Join(protos(), ", "))
	}
	return ofPlaces(func(s *subject) bool { return s.proto == p }), err
}

// parseNetns takes a name, or a part of one, which other than with trace's flag need not be that
// of a namespace of this machine: the capture may come from elsewhere.
func parseNetns(value string) (test, error) {
	if value == "" {
		return nil, errors.New("must be a network namespace's name, a part of it, or its inode number")
	}
	if inode, err := strconv.ParseUint(value, 10, 32); err == nil {
		return ofPlaces(func(s *subject) bool { return s.netns.Inode == uint32(inode) || contains(s.netnsName, value) }), nil
	}
	return ofPlaces(func(s *subject) bool { return contains(s.netnsName, value) }), nil
}

func parseListener(value string) (test, error) {
	if value == "" {
		return nil, errors.New("must be a process's name, unit or container, or a part of it, or its ID")
	}
	pid, err := strconv.Atoi(value)
	byID := err == nil
	return ofPlaces(func(s *subject) bool {
		for _, p := range s.processes() {
			if byID && p.PID == pid || contains(p.Comm, value) || contains(p.Unit, value) || contains(p.Container, value) {
				return true
			}
		}
		return false
	}), nil
}

// anywhere is the test of a word without a key: an address or a network of one of the
// ends, or a part of what is shown.
func anywhere(value string) test {
	if prefix, err := ParsePrefix(value); err == nil {
		return func(s *subject) verdict {
			return is(prefix.Contains(s.src.Addr()) || prefix.Contains(s.dst.Addr()))
		}
	}
	return func(s *subject) verdict {
		return is(slices.ContainsFunc(s.shown(), func(text string) bool { return contains(text, value) }))
	}
}

// contains disregards case.
func contains(text, part string) bool {
	return strings.Contains(strings.ToLower(text), strings.ToLower(part))
}
