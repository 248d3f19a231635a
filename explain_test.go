package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/metalnb/metalnb/metalcore/wire"
)

const doubled = `graph "doubled"
%0 = input "x" f32[4,8]
%1 = const f32[] {value=2.0}
%2 = mul %0 %1 f32[4,8]
%3 = exp %2 f32[4,8]
output "y" %3
`

func TestExplain(t *testing.T) {
	p := place(t)
	file := filepath.Join(t.TempDir(), "doubled.ir")
	if err := os.WriteFile(file, []byte(doubled), 0o600); err != nil {
		t.Fatal(err)
	}
	out, errs, code := metalnb(t, p, "explain", file, "--plan")
	contains(t, "a file's explanation", out, "doubled", "fused 2: mul exp", "arena 64 bytes", "input 0")
	if code != 0 {
		t.Fatal(code, errs)
	}
	out, errs, code = metalnb(t, p, "explain", "--dump", "--skip", "fuse,cse", file)
	contains(t, "an explanation without fusion", out, "-- after fold", "cse       skipped", "2 kernels")
	if code != 0 {
		t.Fatal(code, errs)
	}
	_, errs, code = metalnb(t, p, "explain", "digits")
	contains(t, "a name without a core", errs, "no file digits", "no core is running")
	if code != 1 {
		t.Error(code)
	}
	if out, err := start(t, p, "fit", "digits", "1").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, word := range []string{"digits", "book.ipynb/digits", "/test/book.ipynb/digits"} {
		out, errs, code = metalnb(t, p, "explain", word)
		contains(t, word, out, "digits: step of 32 rows", "matmul + bias", "650 parameters")
		if code != 0 {
			t.Error(code, errs)
		}
	}
	for word, want := range map[string]string{"igits": "no trainer", "book.ipynb/other": "no trainer", "--skip=x digits": "no pass"} {
		_, errs, code := metalnb(t, p, append([]string{"explain"}, strings.Fields(word)...)...)
		contains(t, word, errs, want)
		if code == 0 {
			t.Errorf("%s: the exit code is 0", word)
		}
	}
}

func TestFindTrainer(t *testing.T) {
	sessions := []wire.SessionInfo{
		{Name: "/a/one.ipynb", Trainers: []wire.TrainerInfo{{Name: "x"}, {Name: "y"}}},
		{Name: "/a/two.ipynb", Trainers: []wire.TrainerInfo{{Name: "x"}}},
	}
	if s, n, err := findTrainer(sessions, "two.ipynb/x"); s != "/a/two.ipynb" || n != "x" || err != nil {
		t.Error(s, n, err)
	}
	if s, n, err := findTrainer(sessions, "y"); s != "/a/one.ipynb" || n != "y" || err != nil {
		t.Error(s, n, err)
	}
	_, _, err := findTrainer(sessions, "x")
	if err == nil {
		t.Fatal("two trainers of one name were one")
	}
	contains(t, "the error", err.Error(), "/a/one.ipynb/x", "/a/two.ipynb/x")
}
