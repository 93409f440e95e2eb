// SPDX-License-Identifier: Apache-2.0

package nstat

// Interface is what an interface received, and what it lost of that for want of
// room before the network stack saw it.
type Interface struct {
	Name    string `json:"name"`
	Packets uint64 `json:"packets"` // received
	// Losses are the counters of packets that found the interface's ring or memory
	// full, those that are zero left out. A packet may be in several of them, so they
	// are never to be added up.
	Losses []Loss `json:"losses,omitempty"`
}

// Loss is one counter of lost packets.
type Loss struct {
	// Counter is named as below /sys/class/net/*/statistics, or as the driver
	// names it in ethtool -S.
	Counter string `json:"counter"`
	Count   uint64 `json:"count"`
	// Driver tells that the counter is the driver's own, of ethtool -S.
	Driver bool `json:"driver,omitempty"`
}

// Lost is how many packets the interface lost, at least.
func (i *Interface) Lost() uint64 {
	var most uint64
	for _, l := range i.Losses {
		most = max(most, l.Count)
	}
	return most
}

// InterfacesSince are the interfaces with what they counted after before. One
// that was not there before, or whose counters began again, has all.
func InterfacesSince(now, before []Interface) []Interface {
	old := map[string]*Interface{}
	for i := range before {
		old[before[i].Name] = &before[i]
	}
	var delta []Interface
	for _, n := range now {
		if b := old[n.Name]; b != nil && n.Packets >= b.Packets {
			n = n.since(b)
		}
		delta = append(delta, n)
	}
	return delta
}

func (i *Interface) since(before *Interface) Interface {
	counted := map[string]uint64{}
	for _, l := range before.Losses {
		counted[l.Counter] = l.Count
	}
	delta := Interface{Name: i.Name, Packets: i.Packets - before.Packets}
	for _, l := range i.Losses {
		if l.Count = Delta(l.Count, counted[l.Counter]); l.Count > 0 {
			delta.Losses = append(delta.Losses, l)
		}
	}
	return delta
}
