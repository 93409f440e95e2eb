// SPDX-License-Identifier: Apache-2.0

package sink

import (
	"github.com/synwatch/synwatch/pkg/stream"
	"github.com/synwatch/synwatch/pkg/text"
)

// EvidenceWords says why a record has its cause, empty where the addresses say it all.
func EvidenceWords(r *stream.Record) string { return evidenceWords(r) }

// ProcessWord is who is concerned, such as nginx[812]: the process that sent the packet,
// or the one that listens for it; empty for unknown.
func ProcessWord(r *stream.Record) string { return processWord(r) }

// SourceWords is where the packet came from, with its way and protocol where these are
// not the usual ones, and the port if there is one.
func SourceWords(r *stream.Record) string { return sourceWords(r) }

// DestinationWords is where the packet was going, with the port if there is one.
func DestinationWords(r *stream.Record) string { return destinationWords(r) }

// CauseAndStage names a record's cause and stage, as cause/stage.
func CauseAndStage(r *stream.Record) string { return causeAndStage(r) }

// PutSummary puts a summary on a page as a trace's text ends with it. The network
// namespace own needs no name.
func PutSummary(p *text.Page, s *stream.Summary, own uint32) {
	t := Text{page: p, netns: own}
	t.summary(s)
}
