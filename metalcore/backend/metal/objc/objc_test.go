//go:build linux

package objc_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/metalnb/metalnb/metalcore/backend/metal/fake"
	"github.com/metalnb/metalnb/metalcore/backend/metal/objc"
)

var (
	noSuch    = objc.Declare("NSString", "-noSuchMethod", "v")
	noSuchYet = objc.Newer("NSString", "-noSuchMethodYet", "v")
	wrongType = objc.Declare("NSArray", "-objectAtIndex:", "@q")
	count     = objc.Declare("NSArray", "-count", "Q")
)

func load(t *testing.T) {
	t.Helper()
	l, err := fake.Libraries()
	if err != nil {
		t.Fatal(err)
	}
	if err := objc.Load(objc.Libraries{Runtime: "/nowhere/libobjc.dylib"}); err == nil {
		t.Fatal("what is not there was loaded")
	}
	if err := objc.Load(l); err != nil {
		t.Fatal(err)
	}
	if err := objc.Load(l); err != nil {
		t.Fatal(err)
	}
	fake.Reset()
	t.Cleanup(func() {
		if s := fake.Errors(); s != "" {
			t.Error(s)
		}
		for class, n := range fake.Live() {
			t.Errorf("%d of %s live", n, class)
		}
	})
}

func TestFoundation(t *testing.T) {
	load(t)
	objc.Pool(func() {
		for _, s := range []string{"", "text", "Größe ≤ 4\n"} {
			if got := objc.Text(objc.String(s)); got != s {
				t.Errorf("%q became %q", s, got)
			}
		}
		if objc.Text(0) != "" || len(objc.Elements(0)) != 0 {
			t.Error("nil is something")
		}
		a, b := objc.String("a"), objc.String("b")
		if got := objc.Elements(objc.Array(a, b)); !slices.Equal(got, []objc.Object{a, b}) {
			t.Error(got)
		}
		if n := count.Word(objc.Array()); n != 0 {
			t.Error(n)
		}
		if n := count.Word(objc.Shape([]int{2, 3, 4})); n != 3 {
			t.Error(n)
		}
		d := objc.Dictionary(a, b, b, a)
		if objc.Value(d, objc.String("a")) != b || objc.Value(d, objc.String("c")) != 0 {
			t.Error("a dictionary has other values")
		}
		if !count.Has(objc.Array()) || noSuch.Has(a) || objc.FileURL("/x") == 0 {
			t.Error("an object answers to other messages")
		}
		if e := objc.ErrorOf(0); e.Text == "" {
			t.Error("an error without a text")
		}
		kept := objc.String("kept").Retain()
		if kept.Autorelease() != kept.Object {
			t.Error("an object became another one")
		}
		objc.Owned{}.Release()
	})
	if _, err := objc.Class("NoSuchClass"); err == nil || !strings.Contains(err.Error(), "NoSuchClass") {
		t.Error(err)
	}
	if _, err := objc.Function("noSuchFunction"); err == nil || !strings.Contains(err.Error(), "noSuchFunction") {
		t.Error(err)
	}
}

func TestVerify(t *testing.T) {
	load(t)
	for _, m := range objc.Methods() {
		err, want := m.Verify(), ""
		switch m {
		case noSuch:
			want = "objc: the system has no -[NSString noSuchMethod]"
		case wrongType:
			want = "objc: -[NSArray objectAtIndex:] has types @Q on this system, not @q"
		}
		if got := errorText(err); got != want {
			t.Errorf("%s: %q, want %q", m, got, want)
		}
	}
	if noSuchYet.Verify() != nil {
		t.Error("a newer method must be there")
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestSplit(t *testing.T) {
	for types, want := range map[string][]string{
		"":                                    nil,
		"v40@0:8@16Q24Q32":                    {"v", "@", ":", "@", "Q", "Q"},
		"r*16@0:8":                            {"*", "@", ":"},
		"@24@0:8r^@16":                        {"@", "@", ":", "^@"},
		"v64@0:8{MTLSize=QQQ}16{MTLSize=QQQ}": {"v", "@", ":", "{MTLSize=QQQ}", "{MTLSize=QQQ}"},
		"v@?^{_NSZone={a=QQ}}B":               {"v", "@?", "^{_NSZone={a=QQ}}", "B"},
	} {
		if got := objc.Split(types); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", types, got, want)
		}
	}
}

// TestStandIn holds the methods of the stand-in against the interfaces, too: what
// its functions take and return is what callers of the real ones pass and get.
func TestStandIn(t *testing.T) {
	tables := loadTables(t)
	load(t)
	all := fake.Methods()
	classes := map[string]bool{}
	for _, m := range all {
		class := strings.TrimPrefix(m.Class, "Fake")
		classes[class] = true
		known, ok := tables.selectors[class+" "+m.Name]
		if !ok && class == "MPSCommandBuffer" { // which is an MTLCommandBuffer
			known, ok = tables.selectors["MTLCommandBuffer "+m.Name]
		}
		got := objc.Split(m.Types)
		switch types := strings.Join(append(got[:1:1], got[3:]...), ""); {
		case !ok:
			t.Errorf("there is no %c[%s %s]", m.Name[0], class, m.Name[1:])
		case strings.ReplaceAll(types, "*", "^c") != strings.ReplaceAll(known.ret+strings.Join(known.args, ""), "*", "^c"):
			t.Errorf("%c[%s %s] has types %s%v, in the stand-in %s", m.Name[0], class, m.Name[1:], known.ret, known.args, types)
		}
	}
	t.Logf("%d classes, %d methods", len(classes), len(all))
}
