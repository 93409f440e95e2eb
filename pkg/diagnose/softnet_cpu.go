// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
)

// droppingCPUs names the CPU whose queue dropped the most, and says whether it is
// alone with its work: then the packets are not spread.
func (f *Facts) droppingCPUs() []Evidence {
	s := f.System.Softnet
	if s == nil || len(s.CPUs) == 0 {
		return nil
	}
	worst := slices.MaxFunc(slices.Sorted(maps.Keys(s.CPUs)), func(a, b int) int {
		return cmp.Compare(s.CPUs[a].Dropped, s.CPUs[b].Dropped)
	})
	one := s.CPUs[worst]
	if one.Dropped == 0 {
		return nil
	}
	return []Evidence{{
		What: fmt.Sprintf("of them by CPU %d", worst), Value: fmt.Sprint(one.Dropped),
		Where: fmt.Sprintf("%s; it handled %d of the %d packets of all CPUs", percent(one.Dropped, s.Dropped), one.Processed, s.Processed),
	}}
}
