// SPDX-License-Identifier: Apache-2.0

// Package screen shows a run, or a capture that is played back, on a terminal: what is
// dropped now, for which cause, from where, to whom, and what to do about it.
//
// The Model is pure: keys and looks at the run go in, a screen comes out. What reaches
// outside is a command that Config's Backend carries out.
package screen
