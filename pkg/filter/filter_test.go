// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/synwatch/synwatch/pkg/enrich"
	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/synwatch/synwatch/pkg/proc"
	"github.com/synwatch/synwatch/pkg/stream"
)

func lookup(t testing.TB, id string) *cause.Cause {
	c, ok := cause.Lookup(id)
	if !ok {
		t.Fatalf("no cause %s", id)
	}
	return c
}

// record is a drop as in the README.
func record(t testing.TB) *stream.Record {
	return &stream.Record{
		Event: event.Event{
			Direction: event.In, Proto: event.TCP,
			Src: netip.MustParseAddrPort("10.9.0.5:20005"), Dst: netip.MustParseAddrPort("10.0.0.1:443"),
			Netns: netns.ID{Inode: 4026531840},
		},
		Cause: lookup(t, "accept-queue-full"), Stage: "cookie-ack", NetnsName: "web-1",
		Answer: enrich.Answer{
			Interface: "eth0",
			Listener:  &enrich.Listener{Port: 443, Process: proc.Process{PID: 812, Comm: "nginx", Unit: "nginx.service", Container: strings.Repeat("c0ffee12", 8)}},
			Target:    &enrich.Target{Name: "pod-7"},
		},
	}
}

func TestMatch(t *testing.T) {
	for text, want := range map[string]bool{
		"":                                      true,
		"  ":                                    true,
		"port:443":                              true,
		"port:80":                               false,
		"port:80,443":                           true,
		"port:80 port:443":                      true,
		"port:443 src:10.0.0.0/8 cause:accept":  true,
		"port:443 src:10.1.0.0/16 cause:accept": false,
		"src:10.9.0.5":                          true,
		"src:::ffff:10.9.0.5":                   true,
		"src:10.0.0.1":                          false,
		"dst:10.0.0.1/32":                       true,
		"dst:fd00::/64":                         false,
		"cause:accept-queue-full":               true,
		"cause:queue":                           true,
		"Cause:QUEUE":                           true,
		"cause:syn":                             false,
		"stage:cookie-ack":                      true,
		"stage:ack":                             false, // there is a stage ack
		"stage:cookie":                          true,
		"direction:in":                          true,
		"direction:forward,out":                 false,
		"proto:TCP":                             true,
		"proto:6":                               true,
		"proto:udp":                             false,
		"netns:web-1":                           true,
		"netns:WEB":                             true,
		"netns:4026531840":                      true,
		"netns:4026531841":                      false,
		"netns:pod-7":                           false, // trace's flag means where it was dropped, too
		"listener:ngi":                          true,
		"comm:nginx":                            true,
		"comm:apache listener:nginx":            true, // one key with two names
		"listener:812":                          true,
		"listener:81":                           false,
		"listener:c0ffee12":                     true,
		"-port:443":                             false,
		"!port:443":                             false,
		"-port:80":                              true,
		"-port:80,443":                          false,
		"src:10.0.0.0/8 -src:10.9.0.0/16":       false,
		"src:10.0.0.0/8 -src:10.8.0.0/16":       true,
		"accept":                                true,
		"nginx":                                 true,
		"nginx.service":                         true,
		"eth0":                                  true,
		"pod-7":                                 true,
		"c0ffee":                                true,
		"10.9.0.5":                              true,
		"10.9.0.0/16":                           true,
		"10.9.0":                                true,
		"10.9.0.50":                             false,
		"10.9.0.5:20005":                        true,
		"fd00::1":                               false,
		"[fd00::1]:80":                          false,
		"nginx accept":                          true,
		"nginx apache":                          false,
		"-nginx":                                false,
		"!apache":                               true,
		`listener:"ngi nx"`:                     false,
		`"ngi"nx`:                               true,
	} {
		f, err := Parse(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := f.Match(record(t)); got != want {
			t.Errorf("%s: matches: %v", text, got)
		}
	}
}

// TestMatchOfWhatIsUnknown: a record without a source, and without a listener.
func TestMatchOfWhatIsUnknown(t *testing.T) {
	r := &stream.Record{Cause: lookup(t, "no-listener")}
	for text, want := range map[string]bool{
		"src:10.0.0.0/8": false, "-src:10.0.0.0/8": true, "listener:nginx": false, "-listener:nginx": true,
		"direction:in": false, "proto:tcp": false, "netns:web": false, "10.0.0.1": false, "0.0.0.0/0": false, "no-listener": true, "stage:ack": false,
	} {
		f, err := Parse(text)
		if err != nil || f.Match(r) != want {
			t.Errorf("%s: matches: %v, %v", text, f.Match(r), err)
		}
	}
}

func TestParseSaysWhatIsPossible(t *testing.T) {
	for text, want := range map[string]string{
		"prot:tcp":           `"prot:tcp": no key is named "prot", they are cause, stage, src, dst, port, direction, proto, netns, listener, comm`,
		"port:443 port:http": `"port:http": must be a port from 1 to 65535`,
		"port:":              `"port:": a value is missing`,
		"-":                  `"-": a value is missing`,
		"--port:1":           `"--port:1": one - or ! is enough`,
		"src:10.0":           `"src:10.0": must be an address or a CIDR`,
		"src:10.0.0.0/8,":    `"src:10.0.0.0/8,": must be an address or a CIDR`,
		"cause:xyz":          `"cause:xyz": must be one, or a part, of accept-queue-full, `,
		"cause:accept,":      `"cause:accept,": must be one, or a part, of`,
		"stage:xyz":          `"stage:xyz": must be one, or a part, of ack, `,
		"direction:sideways": `"direction:sideways": must be in, forward or out`,
		"proto:tcq":          `"proto:tcq": must be a name (tcp, udp, icmp, icmpv6, sctp, ...) or a number`,
		"netns:a,":           `"netns:a,": must be a network namespace's name`,
		"listener:a,":        `"listener:a,": must be a process's name`,
		`comm:"tmux`:         `a quote (") is open`,
	} {
		f, err := Parse(text)
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
		if !f.Empty() {
			t.Errorf("%s: there is a filter in spite of the error", text)
		}
	}
}

func TestString(t *testing.T) {
	for text, want := range map[string]string{
		" port:443   src:10.0.0.0/8 !PORT:80  x ": "port:443 -port:80 src:10.0.0.0/8 x",
		`comm:"tmux: server"`:                     `"listener:tmux: server"`,
	} {
		f, err := Parse(text)
		if err != nil || f.String() != want {
			t.Errorf("%s: got %s, %v; want %s", text, f, err, want)
		}
	}
}

// FuzzParse: what is read can be written and read again, and means the same.
func FuzzParse(f *testing.F) {
	for _, text := range []string{"port:443 src:10.0.0.0/8 cause:accept", "-nginx !port:80", `comm:"tmux: server"`, "fd00::1 a:b", "\"", "stage:", "\xff:x", "-\"-x\""} {
		f.Add(text)
	}
	r := record(f)
	f.Fuzz(func(t *testing.T, text string) {
		first, err := Parse(text)
		if err != nil {
			return
		}
		again, err := Parse(first.String())
		if err != nil || again.String() != first.String() {
			t.Fatalf("%q is written as %q and read as %q, %v", text, first, again, err)
		}
		if first.Match(r) != again.Match(r) {
			t.Errorf("%q and %q differ", text, first)
		}
		for _, more := range Suggest(text) {
			if !strings.HasPrefix(more, text) {
				t.Errorf("%q is no continuation of %q", more, text)
			}
		}
	})
}
