package objc

import (
	"fmt"
	"runtime"
	"strings"
	"unsafe"

	"github.com/ebitengine/purego"
)

// Method is a method that is called: the class or protocol that declares it,
// its name behind a + or - as the documentation writes it, and its types: of
// the result, then of the arguments, as the compiler's @encode has them.
type Method struct {
	Class, Name, Types string
	Newer              bool // than the oldest system: asked for by Has before it is called

	selector uintptr
	function any // of Typed: what is called instead
}

var declared []*Method // by package variables only

// Declare enters a method in the table of those that are called.
func Declare(class, name, types string) *Method {
	m := &Method{Class: class, Name: name, Types: types}
	declared = append(declared, m)
	return m
}

// Newer declares a method that not all systems have.
func Newer(class, name, types string) *Method {
	m := Declare(class, name, types)
	m.Newer = true
	return m
}

// Methods returns all that are declared.
func Methods() []*Method { return declared }

func (m *Method) bind() {
	m.selector = lookup(entry.register, m.Selector())
	if m.function != nil {
		purego.RegisterFunc(m.function, entry.send)
	}
}

// Selector is the name without + or -.
func (m *Method) Selector() string { return m.Name[1:] }

func (m *Method) String() string { return fmt.Sprintf("%c[%s %s]", m.Name[0], m.Class, m.Name[1:]) }

// Has reports whether the object answers to the method.
func (m *Method) Has(o Object) bool { return responds.Bool(o, m.selector) }

// InstancesHave reports whether objects of the class answer to the method.
func (m *Method) InstancesHave(class Object) bool { return instancesRespond.Bool(class, m.selector) }

// maxArgs is what purego passes, less the object and the selector.
const maxArgs = 13

// send passes words only: objects, integers and pointers. It costs a fourth of
// what a call by a function of purego's does.
//
//go:uintptrescapes
func (m *Method) send(o Object, args []uintptr) uintptr {
	var words [maxArgs + 2]uintptr
	words[0], words[1] = uintptr(o), m.selector
	n := copy(words[2:], args)
	r, _, _ := purego.SyscallN(entry.send, words[:n+2]...)
	return r
}

// Send sends the message. An argument is converted to a word in the call, by
// uintptr, where its type can be seen; a pointer by uintptr(unsafe.Pointer(p)).
//
//go:uintptrescapes
func (m *Method) Send(o Object, args ...uintptr) { m.send(o, args) }

// Word sends the message and returns an integer.
//
//go:uintptrescapes
func (m *Method) Word(o Object, args ...uintptr) uint64 { return uint64(m.send(o, args)) }

// Bool sends the message and returns its answer, of which only the lowest byte
// counts.
//
//go:uintptrescapes
func (m *Method) Bool(o Object, args ...uintptr) bool { return byte(m.send(o, args)) != 0 }

// Object sends the message and returns an object that is not the caller's.
//
//go:uintptrescapes
func (m *Method) Object(o Object, args ...uintptr) Object { return Object(m.send(o, args)) }

// Owned sends the message, one whose name begins with new or copy, and returns
// the object that is the caller's.
//
//go:uintptrescapes
func (m *Method) Owned(o Object, args ...uintptr) Owned { return Owned{Object(m.send(o, args))} }

// Make allocates an object of the class and sends it the message, one whose
// name begins with init.
//
//go:uintptrescapes
func (m *Method) Make(class Object, args ...uintptr) Owned {
	return Owned{Object(m.send(alloc.Owned(class).Object, args))}
}

// Pointer sends the message and returns a pointer to memory that is not Go's.
//
//go:uintptrescapes
func (m *Method) Pointer(o Object, args ...uintptr) unsafe.Pointer { return pointer(m.send(o, args)) }

// Bool is BOOL as an argument.
type Bool uintptr

// The values of Bool.
const (
	False Bool = iota
	True
)

// Size is MTLSize.
type Size struct{ Width, Height, Depth uint64 }

// Sizes sends a message that takes two sizes by value. Compilers for arm64 pass
// such by the address of a copy, those for amd64 on the stack. The sizes must
// not lie on the stack of a goroutine.
func (m *Method) Sizes(o Object, s *[2]Size) {
	if runtime.GOARCH == "arm64" {
		purego.SyscallN(entry.send, uintptr(o), m.selector, uintptr(unsafe.Pointer(&s[0])), uintptr(unsafe.Pointer(&s[1])))
		return
	}
	w := (*[6]uintptr)(unsafe.Pointer(s))
	purego.SyscallN(entry.send, uintptr(o), m.selector, 0, 0, 0, 0, w[0], w[1], w[2], w[3], w[4], w[5])
}

// TypedMethod is a method whose arguments words cannot carry: numbers with a
// point among them. F is the function, whose first arguments are the object and
// the selector.
type TypedMethod[F any] struct {
	*Method
	Call F
}

// Typed declares a typed method.
func Typed[F any](class, name, types string) *TypedMethod[F] {
	m := &TypedMethod[F]{Method: Declare(class, name, types)}
	m.function = &m.Call
	return m
}

// Register is the method's selector as Call takes it.
func (m *TypedMethod[F]) Register() uintptr { return m.selector }

// Verify compares the declaration with what the runtime knows of the method:
// nil, if it has it with these types, or need not have it.
func (m *Method) Verify() error {
	got := m.runtimeTypes()
	switch want := normal(m.Types); {
	case got == "" && m.Newer:
		return nil
	case got == "":
		return fmt.Errorf("objc: the system has no %s", m)
	case normal(got) != want:
		return fmt.Errorf("objc: %s has types %s on this system, not %s", m, normal(got), want)
	}
	return nil
}

// runtimeTypes are those of a class's method, or of a protocol's, without the
// object and the selector; "" if there is none.
func (m *Method) runtimeTypes() string {
	class := lookup(entry.getClass, m.Class)
	if class != 0 && m.Name[0] == '+' {
		class = Call(entry.objectClass, class)
	}
	var types uintptr
	if class != 0 {
		if method := Call(entry.classMethod, class, m.selector); method != 0 {
			types = Call(entry.encode, method)
		}
	} else if protocol := lookup(entry.getProtocol, m.Class); protocol != 0 {
		for _, required := range []uintptr{1, 0} {
			if _, t, _ := purego.SyscallN(entry.protocolMethod, protocol, m.selector, required, 1); t != 0 {
				types = t
			}
		}
	}
	parts := Split(goString(pointer(types)))
	if len(parts) < 3 {
		return ""
	}
	return parts[0] + strings.Join(parts[3:], "")
}

// normal drops what does not matter to a call: const, and that char is a string.
func normal(types string) string {
	var out strings.Builder
	for _, t := range Split(types) {
		out.WriteString(strings.ReplaceAll(t, "^c", "*"))
	}
	return out.String()
}

// Split returns the single types of an encoding, without the places of the
// arguments and without qualifiers.
func Split(types string) []string {
	var out []string
	for i := 0; i < len(types); {
		end := i + one(types[i:])
		t := strings.TrimLeft(types[i:end], "rnNoORV")
		if t != "" {
			out = append(out, t)
		}
		i = end
		for i < len(types) && types[i] >= '0' && types[i] <= '9' {
			i++
		}
	}
	return out
}

// one is the length of the first type.
func one(s string) int {
	switch {
	case s == "":
		return 0
	case strings.ContainsRune("rnNoORV^", rune(s[0])):
		return 1 + one(s[1:])
	case strings.HasPrefix(s, "@?"):
		return 2
	case s[0] == '{':
		depth := 0
		for i, c := range s {
			switch c {
			case '{':
				depth++
			case '}':
				if depth--; depth == 0 {
					return i + 1
				}
			}
		}
		return len(s)
	}
	return 1
}
