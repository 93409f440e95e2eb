// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const stream = `go: downloading example.com/x v1.0.0
{"Action":"start","Package":"p/good"}
{"Action":"output","Package":"p/good","Test":"TestA","Output":"=== RUN   TestA\n"}
{"Action":"output","Package":"p/bad","Test":"TestB","Output":"    b_test.go:1: broken\n"}
{"Action":"output","Package":"p/good","Test":"TestA","Output":"skip: {\"test\":\"TestA\",\"reason\":\"root\",\"why\":\"no root\"}\n"}
{"Action":"skip","Package":"p/good","Test":"TestA"}
{"Action":"output","Package":"p/good","Output":"PASS\n"}
{"Action":"output","Package":"p/good","Output":"ok  \tp/good\t0.1s\n"}
{"Action":"pass","Package":"p/good"}
{"Action":"fail","Package":"p/bad","Test":"TestB"}
{"Action":"output","Package":"p/bad","Output":"FAIL\tp/bad\t0.1s\n"}
{"Action":"fail","Package":"p/bad"}
{"Action":"output","Package":"p/none","Output":"?   \tp/none\t[no test files]\n"}
{"Action":"skip","Package":"p/none"}
{"ImportPath":"p/c","Action":"build-output","Output":"c.go:1: undefined: x\n"}
`

func TestFollowAndSum(t *testing.T) {
	log := filepath.Join(t.TempDir(), "unit.log")
	var out strings.Builder
	if err := run(false, []string{log}, strings.NewReader(stream), &out); err != nil {
		t.Fatal(err)
	}
	const want = "go: downloading example.com/x v1.0.0\nok  \tp/good\t0.1s\n" +
		"    b_test.go:1: broken\nFAIL\tp/bad\t0.1s\nc.go:1: undefined: x\n"
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
	machine := filepath.Join(filepath.Dir(log), "6.1.log")
	text := `skip: {"test":"TestA/v4","reason":"root","why":"no root"}` + "\n" + `skip: {"test":"TestC","reason":"feature","why":"no nft\n"}` + "\nPASS\n"
	if err := os.WriteFile(machine, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	out.Reset()
	if err := run(true, []string{log, machine}, nil, &out); err != nil {
		t.Fatal(err)
	}
	const sum = "skipped: 3 tests\n    1  feature: no nft (6.1)\n    2  root: no root (unit, 6.1)\n"
	if out.String() != sum {
		t.Errorf("got\n%s\nwant\n%s", out.String(), sum)
	}
}

func TestSumRefuses(t *testing.T) {
	bad := filepath.Join(t.TempDir(), "bad.log")
	if err := os.WriteFile(bad, []byte("skip: {\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, files := range [][]string{{bad}, {"/nonexistent"}} {
		if err := run(true, files, nil, &strings.Builder{}); err == nil {
			t.Errorf("no error for %v", files)
		}
	}
}
