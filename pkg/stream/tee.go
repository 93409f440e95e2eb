// SPDX-License-Identifier: Apache-2.0

package stream

import "errors"

// Tee is a sink that passes everything on to several, in their order. The error of one
// keeps nothing from the others.
func Tee(sinks ...Sink) Sink {
	if len(sinks) == 1 {
		return sinks[0]
	}
	return tee(sinks)
}

type tee []Sink

func (t tee) Start(s Start) error     { return t.each(func(to Sink) error { return to.Start(s) }) }
func (t tee) Record(r Record) error   { return t.each(func(to Sink) error { return to.Record(r) }) }
func (t tee) Sample(s Sample) error   { return t.each(func(to Sink) error { return to.Sample(s) }) }
func (t tee) Summary(s Summary) error { return t.each(func(to Sink) error { return to.Summary(s) }) }
func (t tee) Flush() error            { return t.each(Sink.Flush) }

func (t tee) each(do func(Sink) error) error {
	var errs []error
	for _, to := range t {
		if err := do(to); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
