// SPDX-License-Identifier: Apache-2.0

package nstat

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/synwatch/synwatch/pkg/proc/proctest"
)

func readOnly(dir string, names ...string) (Values, error) {
	s := NewSampler(names)
	wanted := selection{names: s.wanted, values: Values{}}
	err := readCounters(s.reader.file, dir, &wanted)
	return wanted.values, err
}

func TestReadCounters(t *testing.T) {
	dir := proctest.Tree(t, map[string]string{
		"net/netstat": "TcpExt: SyncookiesSent PAWSTimewait ListenDrops\nTcpExt: 1 2 18446744073709551615\nIpExt: InOctets\nIpExt: 9\n",
		"net/snmp":    "Tcp: RtoMax MaxConn InCsumErrors\nTcp: 120000 -1 4\n",
		"net/snmp6":   "Ip6InReceives                    \t7\n",
		"net/stat/nf_conntrack": "entries  clashres found early_drop drop\n" +
			"00000011  00000000 00000000 0000000a 000000ff\n00000011  00000000 00000000 00000001 00000001\n",
	})
	got, err := readOnly(dir, "TcpExtPAWSTimewait", "TcpExtListenDrops", "TcpInCsumErrors", "Ip6InReceives",
		"Conntrackdrop", "Conntrackearly_drop", "TcpExtTSEcrRejected", "TcpMaxConn", "Nonsense")
	want := Values{"TcpExtPAWSTimewait": 2, "TcpExtListenDrops": 1<<64 - 1, "TcpInCsumErrors": 4, "Ip6InReceives": 7,
		"Conntrackdrop": 256, "Conntrackearly_drop": 11}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v, (-want +got):\n%s", err, diff)
	}
}

func TestCountersOfModulesMayBeMissing(t *testing.T) {
	dir := proctest.Tree(t, map[string]string{"net/netstat": "", "net/snmp": "Tcp: A\nTcp: 1\n"})
	got, err := readOnly(dir, "TcpA", "Conntrackdrop")
	if diff := cmp.Diff(Values{"TcpA": 1}, got); diff != "" || err != nil {
		t.Errorf("%v, (-want +got):\n%s", err, diff)
	}
	if _, err := readOnly(t.TempDir(), "TcpA"); err == nil {
		t.Error("no error without any file")
	}
}

func TestFilesOfUnwantedCountersAreNotRead(t *testing.T) {
	dir := proctest.Tree(t, map[string]string{
		"net/netstat": "TcpExt: A\nTcpExt: 1\n", "net/snmp": "Tcp: B\nTcp: 1\n", "net/snmp6": "nonsense",
		"net/stat/nf_conntrack": "drop\nnonsense",
	})
	got, err := readOnly(dir, "TcpExtA")
	if diff := cmp.Diff(Values{"TcpExtA": 1}, got); diff != "" || err != nil {
		t.Errorf("%v, (-want +got):\n%s", err, diff)
	}
	for _, name := range []string{"Ip6InReceives", "Conntrackdrop"} {
		if _, err := readOnly(dir, name); err == nil {
			t.Errorf("nothing is read for %s", name)
		}
	}
}

func TestCountersThatMakeNoSense(t *testing.T) {
	perCPU := parsePerCPU("C")
	for text, parse := range map[string]func(string, *selection) error{
		"Tcp: A B\nTcp: 1\n": parsePairs, "Tcp: A\nUdp: 1\n": parsePairs, "\n\n": parsePairs,
		"A\n": parseList, "A b\n": parseList, "a\nxyz\n": perCPU,
	} {
		if err := parse(text, &selection{values: Values{}}); err == nil {
			t.Errorf("no error for %q", text)
		}
	}
}
