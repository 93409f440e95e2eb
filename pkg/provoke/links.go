// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"fmt"
	"os"
	"os/exec"

	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Kinds of devices that Missing looks for by making one in a namespace of its own,
// which also makes the kernel load the modules.
const (
	featBridge    = "bridge"
	featVLAN      = "8021q"
	featVRF       = "vrf"
	featIPIP      = "ipip and sit"
	featWireGuard = "wireguard"
	// The rest is no device: packets that a bridge switches pass through IP's hooks,
	// and rules in the bridge family.
	featBridgeNetfilter = "br_netfilter"
	featNFTBridge       = "nf_tables bridge"
)

// linkProbes try them.
var linkProbes = map[string]func(ns *os.File) error{
	featVeth:   probeVeth,
	featBridge: probeLinks(&netlink.Bridge{LinkAttrs: named("probe0", nil)}),
	featVRF:    probeLinks(&netlink.Vrf{LinkAttrs: named("probe0", nil), Table: 1000}),
	featVLAN:   probeVLAN,
	featIPIP: probeLinks(
		&netlink.Iptun{LinkAttrs: named("probe0", nil), Local: server4.AsSlice(), Remote: client4.AsSlice()},
		&netlink.Sittun{LinkAttrs: named("probe1", nil), Local: server4.AsSlice(), Remote: client4.AsSlice()}),
	featWireGuard:       probeLinks(&netlink.Wireguard{LinkAttrs: named("probe0", nil)}),
	featBridgeNetfilter: probeBridgeNetfilter,
	featNFTBridge:       probeRule(bridgeForward, verdictDrop.nft),
	featMirror:          probeMirror,
}

func init() {
	for feature, try := range linkProbes {
		probes[feature] = try
	}
}

// probeLinks adds devices to a namespace that has but lo, and lets them go with it.
func probeLinks(links ...netlink.Link) func(*os.File) error {
	return func(ns *os.File) error {
		h, err := netns.Netlink(ns, unix.NETLINK_ROUTE)
		if err != nil {
			return err
		}
		defer h.Close()
		for _, link := range links {
			if err := h.LinkAdd(link); err != nil {
				return fmt.Errorf("add %s device: %w", link.Type(), err)
			}
		}
		return nil
	}
}

func probeVLAN(ns *os.File) error {
	parent := &netlink.Dummy{LinkAttrs: named("probe0", nil)}
	if err := probeLinks(parent)(ns); err != nil {
		return err
	}
	attrs := named("probe1", nil)
	attrs.ParentIndex = parent.Index // LinkAdd has found it out
	return probeLinks(&netlink.Vlan{LinkAttrs: attrs, VlanId: 7, VlanProtocol: netlink.VLAN_PROTOCOL_8021Q})(ns)
}

// probeBridgeNetfilter loads the module where the machine is a test's own: nothing
// else makes the kernel load it, and there it changes what all bridges do.
func probeBridgeNetfilter(ns *os.File) error {
	there := func() error {
		_, err := readSysctl("bridge/bridge-nf-call-iptables")
		return err
	}
	if netns.Inside(ns, there) == nil {
		return nil
	}
	if err := ThrowAway(); err != nil {
		return err
	}
	if out, err := exec.Command("modprobe", "br_netfilter").CombinedOutput(); err != nil {
		return fmt.Errorf("modprobe br_netfilter: %w: %s", err, out)
	}
	return netns.Inside(ns, there)
}
