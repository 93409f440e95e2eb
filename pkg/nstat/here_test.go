// SPDX-License-Identifier: Apache-2.0

package nstat

import (
	"errors"
	"io/fs"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/synwatch/synwatch/pkg/conntrack"
	"github.com/synwatch/synwatch/pkg/conntrack/conntracktest"
	"github.com/synwatch/synwatch/pkg/needs"
	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/synwatch/synwatch/pkg/proc"
	"golang.org/x/sys/unix"
)

// withoutProcfs reads as on a kernel without CONFIG_NF_CONNTRACK_PROCFS.
func withoutProcfs(path string) (string, error) {
	if strings.HasSuffix(path, conntrackFile) {
		return "", fs.ErrNotExist
	}
	return (&proc.Reader{}).Read(path)
}

func readWithoutProcfs(stats func() (conntrack.Stats, error), names map[string]bool) (Values, error, error) {
	s := selection{names: names, values: Values{}}
	lack, err := (&reader{withoutProcfs, stats}).read(&s)
	return s.values, lack, err
}

// The file and the netlink interface show the same counters.
func TestConntrackCountersThroughNetlink(t *testing.T) {
	needs.Root(t)
	needs.File(t, "/proc/self/net/stat/nf_conntrack")
	if err := netns.InsideNew(func() error {
		entry := conntracktest.Entry{Src: netip.MustParseAddrPort("10.0.0.1:1"), Dst: netip.MustParseAddrPort("10.0.0.2:53"),
			Proto: unix.IPPROTO_UDP, Timeout: 100}
		if err := conntracktest.Fill(slices.Values([]conntracktest.Entry{entry})); err != nil {
			return err
		}
		file, err := ReadHere()
		if err != nil {
			return err
		}
		netlink, lack, err := readWithoutProcfs(conntrack.ReadStats, nil)
		if lack != nil || file["Conntrackinsert"] != 1 {
			t.Errorf("%d inserted, lack %v", file["Conntrackinsert"], lack)
		}
		of := func(v Values) map[string]uint64 {
			names := map[string]uint64{}
			for name, n := range v {
				if _, ok := netlink[name]; ok && strings.HasPrefix(name, conntrackHead) {
					names[name] = n
				}
			}
			return names
		}
		if diff := cmp.Diff(of(file), of(netlink)); diff != "" || len(of(netlink)) < 9 {
			t.Errorf("-file +netlink:\n%s", diff)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

func TestConntrackCountersMayBeMissing(t *testing.T) {
	refused := errors.New("it takes CAP_NET_ADMIN")
	for name, test := range map[string]struct {
		names      map[string]bool
		stats      conntrack.Stats
		err, lack  error
		want       Values
		wantsStats bool
	}{
		"read":        {map[string]bool{"Conntrackdrop": true}, conntrack.Stats{"drop": 5, "found": 1}, nil, nil, Values{"Conntrackdrop": 5}, true},
		"refused":     {map[string]bool{"Conntrackdrop": true}, nil, refused, refused, Values{}, true},
		"not tracked": {map[string]bool{"Conntrackdrop": true}, nil, conntrack.ErrNotLoaded, nil, Values{}, true},
		"not wanted":  {map[string]bool{"TcpNone": true}, nil, refused, nil, Values{}, false},
	} {
		asked := false
		var got Values
		var lack error
		err := netns.OnThread(func(*netns.Thread) (err error) {
			got, lack, err = readWithoutProcfs(func() (conntrack.Stats, error) { asked = true; return test.stats, test.err }, test.names)
			return err
		})
		if diff := cmp.Diff(test.want, got); diff != "" || err != nil || lack != test.lack || asked != test.wantsStats {
			t.Errorf("%s: %v, %v, asked %v (-want +got):\n%s", name, err, lack, asked, diff)
		}
	}
}

func TestSamplerAsksNoMoreWithoutAnAnswer(t *testing.T) {
	s := NewSampler([]string{"Conntrackdrop"})
	s.noNetlink = conntrack.ErrNoNetlink
	s.reader.file = withoutProcfs
	r, err := s.Sample(Wanted{})
	if err != nil {
		t.Fatal(err)
	}
	own, _ := netns.Own()
	id := ownOf(t, r.Sample, own)
	if lack := r.Lack(id, "Conntrackdrop"); lack != conntrack.ErrNoNetlink {
		t.Errorf("got %v", lack)
	}
	other := netns.ID{Cookie: id.Cookie + 1<<40, Inode: own}
	if r.Lack(id, "TcpExtListenDrops") != nil || id.Cookie != 0 && r.Lack(other, "Conntrackdrop") != nil {
		t.Error("said of another counter or namespace")
	}
}

// ownOf finds this process's own namespace in a sample.
func ownOf(t *testing.T, s Sample, own uint32) netns.ID {
	t.Helper()
	for id := range s {
		if id.Inode == own {
			return id
		}
	}
	t.Fatal("this process's own namespace is not in the sample")
	return netns.ID{}
}
