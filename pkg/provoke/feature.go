// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"errors"
	"os"
	"strings"
	"sync"

	"github.com/synwatch/synwatch/pkg/netns"
)

// probed are the results: features do not come and go.
var probed struct {
	sync.Mutex
	errs map[string]error
}

// probe tries a feature once.
func probe(feature string) error {
	probed.Lock()
	defer probed.Unlock()
	if err, done := probed.errs[feature]; done {
		return err
	}
	err := tryOut(feature)
	if probed.errs == nil {
		probed.errs = map[string]error{}
	}
	probed.errs[feature] = err
	return err
}

func tryOut(feature string) error {
	ns, err := netns.New()
	if err != nil {
		return err
	}
	defer ns.Close()
	return tryIn(ns, feature)
}

func tryIn(ns *os.File, feature string) error {
	if isLeftOut(feature) {
		return errors.New("SYNWATCH_WITHOUT leaves it out")
	}
	return probes[feature](ns)
}

// isLeftOut says whether SYNWATCH_WITHOUT has the feature, or the first words of it:
// "veth,nf_tables" shows on any kernel what is done on one that has neither.
func isLeftOut(feature string) bool {
	for name := range strings.SplitSeq(os.Getenv("SYNWATCH_WITHOUT"), ",") {
		if name != "" && (feature == name || strings.HasPrefix(feature, name+" ")) {
			return true
		}
	}
	return false
}
