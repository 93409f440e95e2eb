// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"context"
	"slices"
)

// All is every provocation, in the order of the catalogue of causes. Their Run
// returns the *MissingError that Missing does.
func All() []Provocation {
	all := slices.Concat(acceptQueue, requestQueue, cookies, strayACK, expiry, paws, conntrack, conntrackOutput, netfilter, receiveBuffer, socketBacklog, window, sources, external, cpuBacklog, neighbours, refused, tcpAO, memory, plain, forwardNetfilter, forwardConntrack, forwardRoutes, forwardPath)
	all = slices.Concat(all, tcDrop, qdiscFull, ipsecPolicy, ownConnect, conntrackProtocols, destinationNAT, sourceNAT, through)
	for i := range all {
		all[i].Run = all[i].runIfPossible()
	}
	return all
}

func (p Provocation) runIfPossible() func(context.Context, *Lab, Family) (Expect, error) {
	return func(ctx context.Context, l *Lab, f Family) (Expect, error) {
		if err := p.Missing(); err != nil {
			return Expect{}, err
		}
		return p.Run(ctx, l, f)
	}
}
