package objc

import (
	"fmt"
	"runtime"
	"unsafe"
)

// The methods of Foundation that are called.
var (
	alloc            = Declare("NSObject", "+alloc", "@")
	retain           = Declare("NSObject", "-retain", "@")
	release          = Declare("NSObject", "-release", "v")
	autorelease      = Declare("NSObject", "-autorelease", "@")
	responds         = Declare("NSObject", "-respondsToSelector:", "B:")
	instancesRespond = Declare("NSObject", "+instancesRespondToSelector:", "B:")

	stringWithUTF8 = Declare("NSString", "+stringWithUTF8String:", "@*")
	utf8           = Declare("NSString", "-UTF8String", "^c")

	arrayWithObjects = Declare("NSArray", "+arrayWithObjects:count:", "@^@Q")
	arrayCount       = Declare("NSArray", "-count", "Q")
	objectAtIndex    = Declare("NSArray", "-objectAtIndex:", "@Q")

	numberWithUnsigned = Declare("NSNumber", "+numberWithUnsignedInteger:", "@Q")

	dictionary   = Declare("NSMutableDictionary", "+dictionary", "@")
	setObject    = Declare("NSMutableDictionary", "-setObject:forKey:", "v@@")
	objectForKey = Declare("NSDictionary", "-objectForKey:", "@@")

	errorDomain      = Declare("NSError", "-domain", "@")
	errorCode        = Declare("NSError", "-code", "q")
	errorDescription = Declare("NSError", "-localizedDescription", "@")
	errorUserInfo    = Declare("NSError", "-userInfo", "@")

	fileURL = Declare("NSURL", "+fileURLWithPath:", "@@")
)

// class finds a class of Foundation, which all systems have.
func class(name string) Object {
	c, _ := Class(name)
	return c
}

// Allocate makes an object of a class for a typed init, which takes it over.
func Allocate(class Object) Object { return alloc.Owned(class).Object }

// String makes an NSString, which the pool keeps.
func String(s string) Object {
	p := cString(s)
	defer runtime.KeepAlive(p)
	return stringWithUTF8.Object(class("NSString"), uintptr(unsafe.Pointer(p)))
}

// Text is what an NSString says; that of nil is empty.
func Text(o Object) string {
	if o == 0 {
		return ""
	}
	return goString(utf8.Pointer(o))
}

// Array makes an NSArray, which the pool keeps.
func Array(objects ...Object) Object {
	list := append([]Object{}, objects...)
	list = append(list, 0) // an address also where there are none
	return arrayWithObjects.Object(class("NSArray"), uintptr(unsafe.Pointer(&list[0])), uintptr(uint64(len(objects))))
}

// Elements of an NSArray.
func Elements(array Object) []Object {
	out := make([]Object, arrayCount.Word(array))
	for i := range out {
		out[i] = objectAtIndex.Object(array, uintptr(uint64(i)))
	}
	return out
}

// Shape makes an NSArray of NSNumbers, which the pool keeps.
func Shape(dims []int) Object {
	list := make([]Object, len(dims))
	for i, d := range dims {
		list[i] = numberWithUnsigned.Object(class("NSNumber"), uintptr(uint64(d)))
	}
	return Array(list...)
}

// Dictionary makes an NSDictionary of keys, each followed by its value. The
// pool keeps it.
func Dictionary(pairs ...Object) Object {
	d := dictionary.Object(class("NSMutableDictionary"))
	for i := 0; i+1 < len(pairs); i += 2 {
		setObject.Send(d, uintptr(pairs[i+1]), uintptr(pairs[i]))
	}
	return d
}

// Value of a key of an NSDictionary, nil if it has none.
func Value(dict, key Object) Object { return objectForKey.Object(dict, uintptr(key)) }

// FileURL makes an NSURL, which the pool keeps.
func FileURL(path string) Object {
	return fileURL.Object(class("NSURL"), uintptr(String(path)))
}

// Error is an NSError. Info is its userInfo, as long as the pool lasts.
type Error struct {
	Domain string
	Code   int64
	Text   string
	Info   Object
}

func (e *Error) Error() string { return fmt.Sprintf("%s (%s, code %d)", e.Text, e.Domain, e.Code) }

// ErrorOf copies an NSError. A call that failed and left none has one, too.
func ErrorOf(o Object) *Error {
	if o == 0 {
		return &Error{Text: "the system gave no reason"}
	}
	return &Error{
		Domain: Text(errorDomain.Object(o)), Code: int64(errorCode.Word(o)),
		Text: Text(errorDescription.Object(o)), Info: errorUserInfo.Object(o),
	}
}
