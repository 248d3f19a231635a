package kernelext

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func TestVersionsAreThoseOfTheNestedModule(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("gonb", "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	mod := string(b)
	for _, want := range []string{
		"\t" + gonbPackage + "\n", "\t" + goimportsPackage + "\n", // the tools
		gonbPackage + " " + gonbVersion, "golang.org/x/tools " + goimportsVersion,
	} {
		if !strings.Contains(mod, want) {
			t.Errorf("gonb/go.mod does not have %q", want)
		}
	}
	root, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(root), gonbPackage) {
		t.Error("the root go.mod requires gonb, which makes each cell slow")
	}
}

// fakeGo puts a go command on the PATH that installs empty programs, and notes each install in a file.
func fakeGo(t *testing.T, install string) (notes string) {
	t.Helper()
	dir := t.TempDir()
	notes = filepath.Join(dir, "notes")
	script := "#!/bin/sh\ncase $1 in\nenv) echo go9.9; echo \"-buildvcs=false -mod=mod\";;\ninstall) echo \"$2 $GOFLAGS $GOWORK\" >>" +
		notes + "\n" + install + ";;\nesac\n"
	if err := os.WriteFile(filepath.Join(dir, "go"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("HOME", t.TempDir())
	return notes
}

func TestToolsBuildsOnceForAll(t *testing.T) {
	notes := fakeGo(t, "sleep 0.2; echo >$GOBIN/gonb; echo >$GOBIN/goimports")
	var wg sync.WaitGroup
	var mu sync.Mutex
	var lines []string
	for range 8 {
		wg.Go(func() {
			set, err := Tools(context.Background(), func(s string) {
				mu.Lock()
				defer mu.Unlock()
				lines = append(lines, s)
			})
			if err != nil {
				t.Error(err)
			} else if !isFile(set.Gonb) || !isFile(set.Goimports) || !strings.Contains(set.Gonb, "go9.9") {
				t.Errorf("tools %+v", set)
			}
		})
	}
	wg.Wait()
	b, err := os.ReadFile(notes)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(b), "tool -buildvcs=false off\n"; got != want {
		t.Errorf("installs\n%q, want one:\n%q", got, want)
	}
	if all := strings.Join(lines, "\n"); strings.Count(all, "building gonb") != 1 {
		t.Errorf("progress\n%s", all)
	}
}

func TestToolsWithoutTheSourceTree(t *testing.T) {
	notes := fakeGo(t, "echo >$GOBIN/$(basename ${2%@*})")
	t.Chdir(t.TempDir())
	t.Setenv("METALNB_SRC", "")
	trimPath(t)
	if _, err := Tools(context.Background(), nil); err != nil {
		t.Fatal(err)
	}
	b, _ := os.ReadFile(notes)
	want := fmt.Sprintf("%s@%s -buildvcs=false off\n%s@%s -buildvcs=false off\n", gonbPackage, gonbVersion, goimportsPackage, goimportsVersion)
	if string(b) != want {
		t.Errorf("installs\n%s, want\n%s", b, want)
	}
}

func TestToolsSaysWhatToDo(t *testing.T) {
	fakeGo(t, "echo dial tcp: lookup proxy: no such host >&2; exit 1")
	_, err := Tools(context.Background(), nil)
	if err == nil || !strings.Contains(err.Error(), "no such host") || !strings.Contains(err.Error(), "GOPROXY") {
		t.Errorf("offline: %v", err)
	}
	cache, _ := os.UserCacheDir()
	if left, _ := filepath.Glob(filepath.Join(cache, "metalnb", "tools", ".build-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	defer func(old []string) { goFolders = old }(goFolders)
	goFolders = nil
	t.Setenv("PATH", t.TempDir())
	t.Setenv("GOROOT", "")
	if _, err := Tools(context.Background(), nil); err == nil || !strings.Contains(err.Error(), "go.dev/dl") {
		t.Errorf("without go: %v", err)
	}
}

func TestToolsWaitsNoLongerThanAsked(t *testing.T) {
	fakeGo(t, "")
	cache, _ := os.UserCacheDir()
	all := filepath.Join(cache, "metalnb", "tools")
	if err := os.MkdirAll(all, 0o755); err != nil {
		t.Fatal(err)
	}
	unlock, err := lock(context.Background(), filepath.Join(all, "lock"), func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	ctx, cancel := context.WithCancel(context.Background())
	_, err = Tools(ctx, func(line string) {
		if strings.Contains(line, "waiting") {
			cancel()
		}
	})
	if err == nil || !strings.Contains(err.Error(), "another metalnb") {
		t.Errorf("got %v", err)
	}
}

func TestEnvironKeepsTheUsersFlags(t *testing.T) {
	set := Toolset{Gonb: "/tools/gonb", Go: "/go/bin/go", flags: "-buildvcs=false"}
	cases := []struct {
		extra []string
		want  string
	}{
		{nil, "-buildvcs=false '-ldflags=-s -w'"},
		{[]string{"GOFLAGS="}, "'-ldflags=-s -w'"},
		{[]string{"GOFLAGS=-mod=vendor -tags=x '-ldflags=-X a=b'"}, "-tags=x '-ldflags=-X a=b'"},
		{[]string{"GOFLAGS=\"-gcflags=-N -l\" -modfile=x.mod"}, "\"-gcflags=-N -l\" '-ldflags=-s -w'"},
		{[]string{"GOFLAGS=-tags='a"}, "-tags='a '-ldflags=-s -w'"},
	}
	for _, c := range cases {
		if got := lookup(set.environ(c.extra), "GOFLAGS", "unset"); got != c.want {
			t.Errorf("%q: GOFLAGS %q, want %q", c.extra, got, c.want)
		}
	}
	env := set.environ([]string{"PATH=/mine", "X=1"})
	if got := lookup(env, "PATH", ""); got != "/tools:/mine:/go/bin" {
		t.Errorf("PATH %q", got)
	}
	if lookup(env, "X", "") != "1" || lookup(env, "GOWORK", "unset") != "" {
		t.Errorf("environment %q", env)
	}
}

// trimPath makes the test a program that does not know its source tree, as with -trimpath.
func trimPath(t *testing.T) {
	old := builtFrom
	t.Cleanup(func() { builtFrom = old })
	builtFrom = func() string { return ModulePath }
}

func TestModuleRoot(t *testing.T) {
	dir := t.TempDir()
	deep := filepath.Join(dir, "a", "b")
	if err := os.MkdirAll(deep, 0o755); err != nil {
		t.Fatal(err)
	}
	write := func(dir, module string) {
		if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte("// x\nmodule "+module+"\n\ngo 1.26\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write(filepath.Join(dir, "a"), ModulePath+"/kernelext/gonb")
	t.Setenv("METALNB_SRC", "")
	t.Chdir(deep)
	source := builtFrom()
	if got := ModuleRoot(); got != source || !isRoot(got) {
		t.Errorf("found %q, want the folder that the test was built from, %q", got, source)
	}
	trimPath(t)
	if got := ModuleRoot(); got != "" {
		t.Errorf("found %q where there is none", got)
	}
	write(dir, ModulePath)
	if got, _ := filepath.EvalSymlinks(ModuleRoot()); got == "" || filepath.Base(got) != filepath.Base(dir) {
		t.Errorf("found %q, want %q", got, dir)
	}
	t.Chdir(t.TempDir())
	t.Setenv("METALNB_SRC", dir)
	if got := ModuleRoot(); got != dir {
		t.Errorf("found %q, want METALNB_SRC", got)
	}
}
