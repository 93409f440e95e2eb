// SPDX-License-Identifier: Apache-2.0

package conntrack

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/synwatch/synwatch/pkg/proc/proctest"
)

func TestReadUsage(t *testing.T) {
	files := map[string]string{"nf_conntrack_count": "17\n", "nf_conntrack_max": "262144\n", "nf_conntrack_buckets": "65536\n"}
	got, err := readUsage(proctest.Tree(t, files))
	if diff := cmp.Diff(&Usage{17, 262144, 65536}, got); diff != "" || err != nil {
		t.Errorf("%v, (-want +got):\n%s", err, diff)
	}
	files["nf_conntrack_max"] = "many"
	for _, dir := range []string{proctest.Tree(t, files), t.TempDir()} {
		if got, err := readUsage(dir); err == nil {
			t.Errorf("got %+v", got)
		}
	}
}
