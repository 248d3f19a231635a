package wire

// Proto is the version of this protocol. Hello, Welcome and Problem keep their
// form in every version, so that two that do not match can say so.
const Proto = 18

// Kind tells which message a frame holds.
type Kind uint16

// Message is one of the types of this file.
type Message interface {
	kind() Kind
	fields(c *Codec)
}

// Hello is the first frame of a client. Session is the notebook it belongs to;
// it may be empty for those that only ask for the core's status.
type Hello struct {
	Proto   int
	Version string // of metalnb
	PID     int
	Session string
	Kernel  string // tells the kernel processes of a notebook apart, see KernelName
}

// Welcome is the core's answer to Hello.
type Welcome struct {
	Proto   int
	Version string
	PID     int
	Started int64 // Unix time in nanoseconds
	Address string
	Device  string
}

// Problem is the answer to a request that failed: what happened and what to do.
type Problem struct {
	Code    string // one of the Code constants
	Message string
	Remedy  string
}

// The codes of problems.
const (
	CodeBadRequest = "bad-request"  // the request itself is wrong
	CodeUnknown    = "unknown-name" // no trainer, data or tensor of that name
	CodeChanged    = "changed"      // a declaration differs from what is there
	CodeBusy       = "busy"         // the trainer is training
	CodeData       = "bad-data"     // shapes, labels or numbers of the data
	CodeDiverged   = "diverged"     // the loss became NaN or infinite
	CodeVersion    = "version"      // client and core do not match
	CodeReplaced   = "replaced"     // they do not match, and the core, which held nothing, ends
	CodeResource   = "resource"     // memory or disk
	CodeCore       = "core"         // the core ends, or went away
	CodeStranger   = "stranger"     // another user, or one who does not know the token
	CodeInternal   = "internal"     // our fault
)

// OK is the answer to a request that has no other.
type OK struct{}

// StatusRequest asks for a Status.
type StatusRequest struct{}

// Status tells what the core is doing.
type Status struct {
	Welcome     Welcome
	Resident    int64 // bytes of memory of the process
	DeviceBytes int64 // bytes of device buffers
	Log         string
	Journal     string // where trainers are written down, or why they are not
	Sessions    []SessionInfo
}

// SessionInfo is one notebook's share of the core.
type SessionInfo struct {
	Name     string
	Clients  int // connected now
	Trainers []TrainerInfo
	Data     []DataInfo
	Tensors  []string
}

// Shutdown ends the core. It refuses while something trains, unless Force.
type Shutdown struct{ Force bool }

// Tensor is an array: little-endian elements in row-major order, either in the
// frame or, when there are many, in a file of the exchange directory.
type Tensor struct {
	DType string // as package ir names it: f32, u8, ...
	Shape []int
	Data  []byte
	File  string
}

// Tensors is an answer made of arrays.
type Tensors struct{ List []Tensor }

// DataRef names data and the part of it that is meant.
type DataRef struct {
	Source string  // name of a built-in set ("digits") or of uploaded data
	User   bool    // uploaded by PutData
	Part   string  // "train", "test" or "" for all rows
	Share  float64 // of the rows that are "test"
	Seed   int64   // of the split
}

// DataInfo describes data, or the part a DataRef names.
type DataInfo struct {
	Ref     DataRef
	Rows    int
	XShape  []int    // of one row
	YShape  []int    // of one row; [] for class indices
	Classes []string // empty for regression
	Bytes   int64
	About   string // source and licence
	Skipped int    // faulty rows that were left out so far
}

// PutData uploads data under a name. HasData asks first whether the core
// already holds data of that name and content; both are answered by a DataInfo.
type PutData struct {
	Name    string
	Hash    string
	X, Y    Tensor
	W       Tensor // what each row counts; without a type when all count the same
	Classes []string
}

// HasData asks for uploaded data by name and content.
type HasData struct{ Name, Hash string }

// AskData asks for the DataInfo of a reference.
type AskData struct{ Ref DataRef }

// Rows asks for some rows of data: the answer is Tensors of x and y.
type Rows struct {
	Ref  DataRef
	Rows []int // all when empty
}

// Setting is a named number.
type Setting struct {
	Name  string
	Value float64
}

// TrainerSpec declares a trainer. Model is the text of a graph with the input
// "x" and the output "y".
type TrainerSpec struct {
	Name       string
	Model      string
	Data       DataRef
	Valid      DataRef // no validation when its Source is empty
	Batch      int
	Accumulate int // batches of a step, 0 for one
	Loss       Loss
	Metrics    []string // beside the one that goes with the loss
	L1, L2     float64  // penalties on the size of parameters
	EMA        float64  // of the weights, 0 for none
	Mixup      float64  // alpha, 0 for none
	Optimizer  Optimizer
	Schedule   Schedule
	EarlyStop  EarlyStop
	Keep       Keep
	Precision  string // float32 when empty
	Seed       int64
	Ordered    bool // do not shuffle
	Check      bool // look at every value of each step for NaN and infinities
	Replace    bool // take the place of a trainer that differs
}

// Declare makes the trainer, or attaches to it; the answer is Declared.
type Declare struct{ Spec TrainerSpec }

// Declared says what a declaration did: "created", "attached", "changed" (a
// setting that may change live) or "replaced".
type Declared struct {
	Outcome string
	Say     string // to the user, of a trainer that was restored
	Info    TrainerInfo
}

// TrainerInfo is what a trainer says of itself.
type TrainerInfo struct {
	Name          string
	State         string
	Note          string // why it stopped or failed
	Epoch         int    // epochs completed
	Step          int64  // steps taken
	EpochStep     int    // steps taken in the epoch under way
	StepsPerEpoch int
	Goal          int // the epoch it is training to, when it runs
	LR            float64
	Skipped       int64   // steps that the loss scale cost
	LossScale     float64 // of mixed_float16, else 0
	StepsPerSec   float64 // of the last run
	Params        int     // trainable numbers
	Bytes         int64   // of device memory
	Batch         int
	Parts         int // batches of a step
	Loss          string
	Optimizer     string
	Data          DataInfo
	Valid         DataInfo
	Last          Epoch // the last epoch completed
}

// Metric is a measured number.
type Metric struct {
	Name  string // "loss", "accuracy"
	Value float64
}

// Metrics is the answer to Evaluate.
type Metrics struct {
	Rows int
	List []Metric
}

// Epoch is the record of one epoch.
type Epoch struct {
	N       int // from 1
	Steps   int
	Seconds float64
	LR      float64
	Train   []Metric
	Valid   []Metric
}

// Point is a mean over the steps since the point before.
type Point struct {
	Step int64
	Loss float64
}

// Run is what a chart of a trainer shows. ID is that of the display it is for.
type Run struct {
	ID     string
	Info   TrainerInfo
	Epochs []Epoch
	Points []Point
}

// Train trains for some epochs more, the rest of an epoch that was stopped
// counting as one. In the foreground the answer is a stream of Event and Show
// frames and at last Trained, and training stops when the client goes away; in
// the background it is Trained at once. More is for the training under way, which
// goes on so much longer, in the background; without one it begins one.
type Train struct {
	Trainer    string
	Epochs     int
	Steps      int // in place of Epochs, unless 0
	Background bool
	More       bool
	Show       bool // send pictures
}

// Watch follows a trainer until it is idle: the answers of Train.
type Watch struct {
	Trainer string
	Show    bool
}

// Event tells of an epoch that has ended: it is Info.Last.
type Event struct{ Info TrainerInfo }

// Trained ends the stream of Train and Watch.
type Trained struct{ Info TrainerInfo }

// Stop ends training between two steps; the answer is Trained.
type Stop struct{ Trainer string }

// SetLR changes the learning rate from the next step on; the answer is Trained.
type SetLR struct {
	Trainer string
	LR      float64
}

// AskTrainer asks for a Run. Reset makes new weights and forgets all training;
// Drop removes the trainer, or else data and a tensor of that name. Both are refused
// while it trains.
type (
	AskTrainer struct {
		Trainer string
		Brief   bool // only its Info
	}
	Reset struct{ Trainer string }
	Drop  struct{ Trainer string }
)

// Evaluate measures the loss and metrics on data; the answer is Metrics.
type Evaluate struct {
	Trainer string
	Data    DataRef
}

// Predict runs the model on rows x. The answer is one tensor; with the loss
// "cross_entropy" it holds probabilities unless Raw.
type Predict struct {
	Trainer string
	X       Tensor
	Raw     bool
}

// Operand is an input of Compute: an array, or one that the session stores.
type Operand struct {
	Name   string
	X      Tensor
	Stored string
}

// Compute runs a graph once. The answer is Tensors of its outputs; Store names
// what the session shall keep the first output under.
type Compute struct {
	Graph  string
	Inputs []Operand
	Store  string
}

// Call computes by name what graphs do not: linear algebra and Fourier
// transforms. N is its setting, where it has one. The answer is Tensors.
type Call struct {
	Func   string
	N      int
	Inputs []Operand
}

// Picture asks for something to look at: the answer is one or more Show, then
// OK. The fields that matter depend on What.
type Picture struct {
	What     string // "chart", "summary", "trainer", "images", "confusion", "predictions", "data", "explain", "memory", "compare"
	Trainer  string
	Trainers []string // to compare
	Graph    string   // to explain, without a trainer
	Data     DataRef
	Rows     []int
	X        Tensor
	Titles   []string
}

// SummaryRow is one layer in the summary of a model.
type SummaryRow struct {
	Layer  string // its name: "conv2d_1"
	Kind   string // "conv2d"
	Output string // the shape of one row: "6×6×16"
	Params int
}

// Item is content of one MIME type. Text goes into a notebook as it is, other
// content in base64.
type Item struct {
	Type string
	Data []byte
	Text bool
}

// Show is something to display. An ID that was shown before is replaced.
type Show struct {
	ID    string
	Items []Item
}

// Prediction is what a picture of predictions shows of one row.
type Prediction struct {
	Image   Tensor // [H,W] or [H,W,1|3]; no picture when it has no shape
	Title   string
	Classes []string  // numbered when nil
	Probs   []float64 // one for each class
	Label   int       // the true class, -1 when unknown
}
