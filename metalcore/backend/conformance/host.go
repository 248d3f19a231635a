package conformance

// report is what a test says, in the words of *testing.T.
type report interface {
	Helper()
	Error(args ...any)
	Errorf(format string, args ...any)
	Fatal(args ...any)
	Fatalf(format string, args ...any)
	Failed() bool
}

// T is what the suite needs of a test.
type T interface {
	report
	Run(name string, part func(T)) bool
}

// host is a test that hands itself to its parts, as *testing.T does.
type host[H any] interface {
	report
	Run(name string, part func(H)) bool
}

// adapted makes a T of a host.
type adapted[H host[H]] struct {
	report
	host H
}

func adapt[H host[H]](h H) T { return adapted[H]{h, h} }

// Run runs a part of the test.
func (a adapted[H]) Run(name string, part func(T)) bool {
	return a.host.Run(name, func(h H) { part(adapt(h)) })
}
