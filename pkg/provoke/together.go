// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
)

// Together runs several provocations in one lab at the same time, on several
// CPUs, and expects all of their records. Those that need different settings of
// the same kind (tcp_syncookies, say) wait for each other. A family that a
// provocation does not have is replaced by V4.
func Together(ctx context.Context, l *Lab, f Family, ps ...Provocation) (Expect, error) {
	wants, errs := make([]Expect, len(ps)), make([]error, len(ps))
	var wg sync.WaitGroup
	for i, p := range ps {
		wg.Go(func() {
			f := f
			if !slices.Contains(p.Families, f) {
				f = V4
			}
			var err error
			if wants[i], err = p.Run(ctx, l, f); err != nil {
				errs[i] = fmt.Errorf("%s: %w", p.Name(), err)
			}
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return Expect{}, err
	}
	return merge(wants...), nil
}
