// SPDX-License-Identifier: Apache-2.0

package nstat

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

const nstatText = `#kernel
IpInReceives                    14735740           0.0
TcpPassiveOpens                 9024               0.0
TcpExtListenOverflows           0                  0.0
TcpExtTCPOFOQueue               x                  0.0
cut
`

func TestParseNstat(t *testing.T) {
	got, bad := ParseNstat(nstatText)
	want := Values{"IpInReceives": 14735740, "TcpPassiveOpens": 9024, "TcpExtListenOverflows": 0}
	if diff := cmp.Diff(want, got); bad != 2 || diff != "" {
		t.Errorf("%d lines are bad, (-want +got):\n%s", bad, diff)
	}
}

const conntrackText = "cpu=0   \tfound=9 invalid=5 insert=0 insert_failed=11 drop=7 early_drop=1 error=3 search_restart=44 clash_resolve=2 chaintoolong=6\n" +
	"cpu=1   \tfound=1 invalid=5 insert=0 insert_failed=1 drop=1 early_drop=0 error=0 search_restart=0 clash_resolve=0 chaintoolong=1\n" +
	"cpu=2   \tfound=100 invalid=x insert_failed=100\n"

func TestParseConntrackStats(t *testing.T) {
	want := Values{
		"Conntrackfound": 10, "Conntrackinvalid": 10, "Conntrackinsert": 0, "Conntrackinsert_failed": 12, "Conntrackdrop": 8,
		"Conntrackearly_drop": 1, "Conntrackicmp_error": 3, "Conntracksearch_restart": 44, "Conntrackclashres": 2, "Conntrackchainlength": 7,
	}
	got, bad := ParseConntrackStats(conntrackText + "conntrack v1.4.6: something went wrong\n")
	if diff := cmp.Diff(want, got); bad != 2 || diff != "" {
		t.Errorf("%d lines are bad, (-want +got):\n%s", bad, diff)
	}
	old, bad := ParseConntrackStats("entries                 \t\t7\ninsert_failed           \t\t3\n\n")
	if diff := cmp.Diff(Values{"Conntrackentries": 7, "Conntrackinsert_failed": 3}, old); bad != 0 || diff != "" {
		t.Errorf("old: %d lines are bad, (-want +got):\n%s", bad, diff)
	}
}

const netDevText = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo: 1000 10    0    0    0     0          0         0     1000       10    0    0    0     0       0          0
  eth0:1123581321 14735740    0 1203 11     0          0         0 1123581321 14735740    0    0    0     0       0          0
eth0:1: 1 2    0 0 0     0          0         0 1 1    0    0    0     0       0          0
  eth1: 1 x    0 0 0     0          0         0 1 1    0    0    0     0       0          0
  eth2: 1 1
`

func TestParseNetDev(t *testing.T) {
	got, bad := ParseNetDev(netDevText)
	want := []Interface{
		{Name: "lo", Packets: 10}, {Name: "eth0", Packets: 14735740, Losses: []Loss{{Counter: "rx_fifo_errors", Count: 11}}}, {Name: "eth0:1", Packets: 2},
	}
	if diff := cmp.Diff(want, got); bad != 2 || diff != "" {
		t.Errorf("%d lines are bad, (-want +got):\n%s", bad, diff)
	}
}

func TestParseEthtool(t *testing.T) {
	got := ParseEthtool(`NIC statistics:
     rx_packets: 16000000
     rx_missed_errors: 1203311
     rx_no_dma_resources: 0
     rx_out_of_buffer: 77
     port.rx_discards: 5
     rx_queue_0_drops_x: 9
     tx_fifo_errors: 8
     rx_over_errors: -1
`)
	want := []Loss{{"rx_missed_errors", 1203311, true}, {"rx_out_of_buffer", 77, true}, {"port.rx_discards", 5, true}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	i := Interface{Losses: got}
	if i.Lost() != 1203311 { // not the sum
		t.Errorf("lost %d", i.Lost())
	}
}

func TestInterfacesSince(t *testing.T) {
	one := func(name string, packets uint64, losses ...Loss) Interface {
		return Interface{Name: name, Packets: packets, Losses: losses}
	}
	before := []Interface{
		one("eth0", 10, Loss{Counter: "rx_missed_errors", Count: 5}, Loss{Counter: "rx_fifo_errors", Count: 2}),
		one("veth1", 100, Loss{Counter: "rx_fifo_errors", Count: 2}),
	}
	now := []Interface{
		one("eth0", 14, Loss{Counter: "rx_missed_errors", Count: 8}, Loss{Counter: "rx_fifo_errors", Count: 2}),
		one("veth1", 7, Loss{Counter: "rx_fifo_errors", Count: 1}), one("eth1", 3),
	}
	want := []Interface{
		one("eth0", 4, Loss{Counter: "rx_missed_errors", Count: 3}), one("veth1", 7, Loss{Counter: "rx_fifo_errors", Count: 1}), one("eth1", 3),
	}
	if diff := cmp.Diff(want, InterfacesSince(now, before)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func FuzzSavedText(f *testing.F) {
	f.Add(nstatText)
	f.Add(conntrackText)
	f.Add(netDevText)
	f.Fuzz(func(_ *testing.T, text string) {
		ParseNstat(text)
		ParseConntrackStats(text)
		ParseNetDev(text)
		ParseEthtool(text)
		ParseSoftnet(text)
		ParseSockstat(text)
	})
}
