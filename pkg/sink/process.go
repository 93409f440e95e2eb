// SPDX-License-Identifier: Apache-2.0

package sink

import (
	"fmt"
	"strings"

	"github.com/synwatch/synwatch/pkg/enrich"
	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/synwatch/synwatch/pkg/proc"
	"github.com/synwatch/synwatch/pkg/stream"
	"github.com/synwatch/synwatch/pkg/text"
)

// listenerObject is who listens, as programs see it.
type listenerObject struct {
	Port      uint16 `json:"port"`
	PID       int    `json:"pid,omitempty"`
	Comm      string `json:"comm,omitempty"`
	Container string `json:"container,omitempty"`
	Unit      string `json:"unit,omitempty"`
	Shared    int    `json:"shared,omitempty"`
}

func listenerValue(r *stream.Record) any {
	l := r.Listener
	if l == nil {
		return nil
	}
	return newListenerObject(l)
}

func newListenerObject(l *enrich.Listener) listenerObject {
	return listenerObject{l.Port, l.PID, l.Comm, l.Container, l.Unit, l.Shared}
}

func (o listenerObject) listener() *enrich.Listener {
	return &enrich.Listener{
		Port: o.Port, Process: proc.Process{PID: o.PID, Comm: name(o.Comm), Container: name(o.Container), Unit: name(o.Unit)}, Shared: o.Shared,
	}
}

// processObject is who sent the packet, as programs see it.
type processObject struct {
	PID       int    `json:"pid"`
	Comm      string `json:"comm,omitempty"`
	Container string `json:"container,omitempty"`
	Unit      string `json:"unit,omitempty"`
}

func senderValue(r *stream.Record) any {
	p := r.SentBy()
	if p == nil {
		return nil
	}
	return processObject{p.PID, p.Comm, p.Container, p.Unit}
}

// targetObject is another namespace of this machine that the packet was for.
type targetObject struct {
	Netns     uint32 `json:"netns"`
	Cookie    uint64 `json:"netns_cookie,omitempty"`
	NetnsName string `json:"netns_name,omitempty"`
	Container string `json:"container,omitempty"`
}

func targetValue(r *stream.Record) any {
	t := r.Target
	if t == nil {
		return nil
	}
	return targetObject{t.Netns.Inode, t.Netns.Cookie, t.Name, t.Container}
}

func (o processObject) process() *proc.Process {
	return &proc.Process{PID: o.PID, Comm: name(o.Comm), Container: name(o.Container), Unit: name(o.Unit)}
}

func (o targetObject) target() *enrich.Target {
	return &enrich.Target{Netns: netns.ID{Inode: o.Netns, Cookie: o.Cookie}, Name: name(o.NetnsName), Container: name(o.Container)}
}

// targetWords name the other namespace, and its listener if the line names the sender.
func targetWords(r *stream.Record) string {
	t := r.Target
	if t == nil {
		return ""
	}
	who := ""
	if r.SentBy() != nil {
		who = ownerWord(r.Listener)
	}
	return "to " + text.Join(", ", who, namespaceWords(t))
}

// namespaceWords name a namespace: its container, whose name a namespace without one of
// its own has, and its number where there is no name at all.
func namespaceWords(t *enrich.Target) string {
	container := proc.ShortID(t.Container)
	switch {
	case container != "" && strings.HasPrefix(t.Name, container):
		return "container " + t.Name
	case t.Name == "":
		return text.Join(", ", text.Prefixed("container ", container), fmt.Sprintf("netns %d", t.Netns.Inode))
	}
	return text.Join(", ", text.Prefixed("container ", container), "netns "+t.Name)
}

// processWord is who is concerned: the process that sent the packet, or the one that
// listens for it.
func processWord(r *stream.Record) string {
	if p := r.SentBy(); p != nil && r.Direction == event.Out {
		return fmt.Sprintf("%s[%d]", p.Comm, p.PID)
	}
	return ownerWord(r.Listener)
}

// ownerWord is who listens: nginx[812], or nginx[812]+3 where three more
// processes have the port.
func ownerWord(l *enrich.Listener) string {
	switch {
	case l == nil || l.PID == 0:
		return ""
	case l.Shared > 0:
		return fmt.Sprintf("%s[%d]+%d", l.Comm, l.PID, l.Shared)
	}
	return fmt.Sprintf("%s[%d]", l.Comm, l.PID)
}
