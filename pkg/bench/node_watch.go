// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"
)

// Idle is what a tracer uses beside a Node, and how late it is.
type Idle struct {
	Processes  int `json:"processes"`
	Namespaces int `json:"namespaces"`
	// Attached is from its start until it said that it traces, in seconds.
	Attached float64 `json:"attached_s"`
	// CPU is of a core, while nothing happens; Busy while there are new namespaces.
	CPU  float64 `json:"cpu"`
	Busy float64 `json:"busy_cpu,omitempty"`
	// Memory is the bytes that were resident at most.
	Memory uint64 `json:"memory"`
	// Late is how long after its drop each record came, in seconds, the least first, and
	// Nameless how many of them did not name their namespaces.
	Late     []float64 `json:"late_s,omitempty"`
	Nameless int       `json:"nameless,omitempty"`
}

const (
	// settles is how long a tracer is left alone after its start.
	settles = 3 * time.Second
	// firstRefused is the port of the first connection that is refused.
	firstRefused = 10_000
)

// Watch starts a synwatch on the node and measures it: for a while in which nothing
// happens, and then for a while in which a connection is refused in a new namespace at each
// interval, if that is not 0.
func (n *Node) Watch(ctx context.Context, path string, idle, busy, every time.Duration) (*Idle, error) {
	w, err := startNodeWatch(ctx, path)
	if err != nil {
		return nil, err
	}
	result := &Idle{Processes: n.Processes, Namespaces: n.Namespaces}
	err = w.measure(n, result, idle, busy, every)
	return result, errors.Join(err, w.stop(result))
}

// nodeWatch is a synwatch whose records are timed as they come.
type nodeWatch struct {
	cmd    *exec.Cmd
	stderr io.ReadCloser
	began  time.Time
	ready  chan time.Time

	reading sync.WaitGroup
	// refused are when connections were refused, by their ports, and seen the records of
	// these, when reading is done.
	refused map[uint16]time.Time
	seen    map[uint16]nodeRecord
}

type nodeRecord struct {
	at    time.Time
	named bool
}

func startNodeWatch(ctx context.Context, path string) (*nodeWatch, error) {
	w := &nodeWatch{ready: make(chan time.Time, 1), seen: map[uint16]nodeRecord{}, refused: map[uint16]time.Time{}}
	w.cmd = exec.CommandContext(ctx, path, "trace", "--json")
	stdout, err := w.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if w.stderr, err = w.cmd.StderrPipe(); err != nil {
		return nil, err
	}
	w.began = time.Now()
	if err := w.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", path, err)
	}
	w.reading.Go(func() { w.readRecords(stdout) })
	w.reading.Go(w.readMessages)
	return w, nil
}

func (w *nodeWatch) readMessages() {
	defer close(w.ready)
	for lines := bufio.NewScanner(w.stderr); lines.Scan(); {
		if strings.Contains(lines.Text(), "tracing dropped packets") {
			w.ready <- time.Now()
		}
	}
}

func (w *nodeWatch) readRecords(stdout io.Reader) {
	lines := bufio.NewScanner(stdout)
	lines.Buffer(nil, 64<<20) // the summary has a row of each namespace
	for lines.Scan() {
		var r struct {
			Type string
			Port uint16 `json:"dst_port"`
			Name string `json:"netns_name"`
		}
		if json.Unmarshal(lines.Bytes(), &r) != nil || r.Type != "drop" {
			continue
		}
		if _, again := w.seen[r.Port]; !again {
			w.seen[r.Port] = nodeRecord{time.Now(), r.Name != ""}
		}
	}
}

func (w *nodeWatch) measure(n *Node, into *Idle, idle, busy, every time.Duration) error {
	ready, ok := <-w.ready
	if !ok {
		return errors.New("the tracer ended by itself")
	}
	into.Attached = ready.Sub(w.began).Seconds()
	time.Sleep(settles)
	var err error
	if into.CPU, err = w.cpu(func() error { time.Sleep(idle); return nil }); err != nil || every == 0 {
		return err
	}
	into.Busy, err = w.cpu(func() error { return w.refuse(n, busy, every) })
	return err
}

// cpu is the part of a core that the tracer uses meanwhile.
func (w *nodeWatch) cpu(meanwhile func() error) (float64, error) {
	before, err := usageOf(w.cmd.Process.Pid)
	if err != nil {
		return 0, err
	}
	began := time.Now()
	if err := meanwhile(); err != nil {
		return 0, err
	}
	after, err := usageOf(w.cmd.Process.Pid)
	return (after.cpu - before.cpu).Seconds() / time.Since(began).Seconds(), err
}

// refuse has connections refused in new namespaces.
func (w *nodeWatch) refuse(n *Node, busy, every time.Duration) error {
	port := uint16(firstRefused)
	for next, end := time.Now(), time.Now().Add(busy); next.Before(end); port++ {
		at, err := n.refuse(port, 10*every)
		if err != nil {
			return err
		}
		w.refused[port] = at
		next = next.Add(every)
		time.Sleep(time.Until(next))
	}
	time.Sleep(settles)
	return nil
}

// stop ends the tracer and enters what its records say.
func (w *nodeWatch) stop(into *Idle) error {
	u, err := usageOf(w.cmd.Process.Pid)
	into.Memory = u.memory
	err = errors.Join(err, w.cmd.Process.Signal(os.Interrupt))
	w.reading.Wait()
	err = errors.Join(err, w.cmd.Wait())
	missing := 0
	for port, at := range w.refused {
		r, ok := w.seen[port]
		if !ok {
			missing++
			continue
		}
		into.Late = append(into.Late, r.at.Sub(at).Seconds())
		if !r.named {
			into.Nameless++
		}
	}
	if slices.Sort(into.Late); missing > 0 {
		err = errors.Join(err, fmt.Errorf("%d of %d drops had no record", missing, len(w.refused)))
	}
	return err
}

// String puts it into a line.
func (i *Idle) String() string {
	line := fmt.Sprintf("%d processes, %d namespaces: attached in %.2f s, %.2f %% of a core, %.1f MB",
		i.Processes, i.Namespaces, i.Attached, i.CPU*100, float64(i.Memory)/1e6)
	if len(i.Late) == 0 {
		return line
	}
	return line + fmt.Sprintf("; with new namespaces %.2f %% of a core, records %.3f s late (median), %.3f s at most, %d of %d nameless",
		i.Busy*100, i.Late[len(i.Late)/2], i.Late[len(i.Late)-1], i.Nameless, len(i.Late))
}
