// SPDX-License-Identifier: Apache-2.0

package report

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/audits"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	cdpage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/synwatch/synwatch/pkg/needs"
)

// patience is how long a browser may take on a slow machine.
const patience = 3 * time.Minute

// startBrowser starts a browser without a window, in which tabs are opened.
func startBrowser(t *testing.T) context.Context {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(needs.Browser(t)), chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()), chromedp.WSURLReadTimeout(patience))
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // which cannot be had as root
	}
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start the browser: %v", err)
	}
	return ctx
}

// tab is a page in a browser, and all that it asked for and complained about.
type tab struct {
	t    *testing.T
	ctx  context.Context
	file string

	mu       sync.Mutex
	requests []string
	problems []string
}

// openTab opens a page from a file, after these actions.
func openTab(t *testing.T, browser context.Context, content []byte, before ...chromedp.Action[chromedp.Void]) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browser)
	t.Cleanup(cancel)
	b := &tab{t: t, file: filepath.Join(t.TempDir(), "report.html")}
	if err := os.WriteFile(b.file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := chromedp.Listen(ctx, b.hear); err != nil {
		t.Fatal(err)
	}
	b.ctx, cancel = context.WithTimeout(ctx, patience)
	t.Cleanup(cancel)
	call(b, audits.Enable, cdp.Empty{})
	call(b, network.Enable, network.EnableParams{})
	for _, action := range append(before, chromedp.Navigate("file://"+b.file)) {
		b.do(action)
	}
	return b
}

func call[P, R any](b *tab, command cdp.Command[P, R], params P) R {
	b.t.Helper()
	r, err := chromedp.Call(b.ctx, command, params)
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}

func (b *tab) do(action chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, action); err != nil {
		b.t.Fatal(err)
	}
}

// hear notes what the browser says of the page.
func (b *tab) hear(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	problem := func(format string, args ...any) { b.problems = append(b.problems, fmt.Sprintf(format, args...)) }
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		b.requests = append(b.requests, e.Request.URL)
	case *runtime.EventExceptionThrown:
		problem("exception: %s", e.ExceptionDetails.Text)
	case *runtime.EventConsoleAPICalled:
		problem("console: %s", e.Type)
	case *log.EventEntryAdded:
		problem("log: %s: %s", e.Entry.Level, e.Entry.Text)
	case *audits.EventIssueAdded:
		problem("issue: %s", issueWord(e.Issue))
	case *cdpage.EventJavascriptDialogOpening:
		problem("dialog: %s", e.Message)
	}
}

func issueWord(i *audits.InspectorIssue) string {
	if i.Details != nil && i.Details.GenericIssueDetails != nil {
		return string(i.Code) + ": " + string(i.Details.GenericIssueDetails.ErrorType)
	}
	return string(i.Code)
}

// quiet demands that the page asked for nothing but its own file, and that the browser had
// nothing to complain about.
func (b *tab) quiet() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.requests) != 1 || b.requests[0] != "file://"+b.file {
		b.t.Errorf("it asked for %q", b.requests)
	}
	if len(b.problems) > 0 {
		b.t.Errorf("problems: %q", b.problems)
	}
}

// eval is the value of an expression of the page, in which each %s is the next argument.
func eval[T any](b *tab, expression string, args ...any) T {
	b.t.Helper()
	for _, arg := range args {
		literal, err := json.Marshal(arg)
		if err != nil {
			b.t.Fatal(err)
		}
		expression = strings.Replace(expression, "%s", string(literal), 1)
	}
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		b.t.Fatalf("%s: %v", expression, err)
	}
	return v
}

// becomes waits for an expression to be true.
func (b *tab) becomes(expression string, args ...any) {
	b.t.Helper()
	for end := time.Now().Add(patience / 2); !eval[bool](b, expression, args...); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			b.t.Fatalf("never, with %q: %s", args, expression)
		}
	}
}

// media has the page shown on a medium, in a theme.
func (b *tab) media(medium, theme string) {
	b.t.Helper()
	call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Media: medium, Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: theme}},
	})
}
