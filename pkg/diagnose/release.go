// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"strconv"
	"strings"
)

// before says whether the kernel is known to be older than a release. It is asked
// only of differences between kernels that have no BTF, which would tell, and of
// saved machines, where there is no kernel to ask.
func (f *Facts) before(major, minor int) bool {
	a, b, known := f.release()
	return known && (a < major || a == major && b < minor)
}

func (f *Facts) release() (major, minor int, known bool) {
	parts := strings.SplitN(f.System.Kernel, ".", 3)
	if len(parts) < 2 {
		return 0, 0, false
	}
	major, err1 := strconv.Atoi(parts[0])
	minor, err2 := strconv.Atoi(strings.TrimRight(parts[1], "-+abcdefghijklmnopqrstuvwxyz"))
	return major, minor, err1 == nil && err2 == nil
}
