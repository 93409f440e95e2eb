// SPDX-License-Identifier: Apache-2.0

package cause

import "strings"

// JoinStages lists stages in words: "accept-queue-full (syn, ack), syn-refused".
func JoinStages(stages []Stage) string {
	var words []string
	for i := 0; i < len(stages); {
		c := stages[i].Cause
		var names []string
		for ; i < len(stages) && stages[i].Cause == c; i++ {
			if stages[i].Stage == "" {
				words = append(words, c.ID)
			} else {
				names = append(names, stages[i].Stage)
			}
		}
		if names != nil {
			words = append(words, c.ID+" ("+strings.Join(names, ", ")+")")
		}
	}
	return strings.Join(words, ", ")
}
