package wire

// The number of each message on the wire.

// A message kind is the number of its frame. Numbers are not used again.
const (
	kindHello Kind = iota + 1
	kindWelcome
	kindProblem
	kindOK
	kindStatusRequest
	kindStatus
	kindShutdown
	kindTensors
	kindDataInfo
	kindPutData
	kindHasData
	kindAskData
	kindRows
	kindMetrics
	kindDeclare
	kindDeclared
	kindRun
	kindTrain
	kindWatch
	kindEvent
	kindTrained
	kindStop
	kindSetLR
	kindAskTrainer
	kindReset
	kindDrop
	kindEvaluate
	kindPredict
	kindCompute
	kindPicture
	kindShow
	kindAskReport
	kindReport
	kindAskCurve
	kindCurve
	kindAskExplain
	kindExplained
	kindCall
	kindAskDevices
	kindDevices
	kindDevice
	kindUseDevice
	kindLoadData
	kindOpenStream
	kindOffer
	kindPull
	kindEnter
	kindChunk
	kindFork
	kindRename
	kindSave
	kindRestore
	kindAskCheckpoints
	kindCheckpoints
	kindPause
	kindResume
	kindAskMemory
	kindMemory
	kindFindLR
	kindLRCurve
	kindDropCheckpoint
	kindImport
)

// fresh makes an empty message for each kind.
var fresh = map[Kind]func() Message{
	kindHello:          func() Message { return new(Hello) },
	kindWelcome:        func() Message { return new(Welcome) },
	kindProblem:        func() Message { return new(Problem) },
	kindOK:             func() Message { return new(OK) },
	kindStatusRequest:  func() Message { return new(StatusRequest) },
	kindStatus:         func() Message { return new(Status) },
	kindShutdown:       func() Message { return new(Shutdown) },
	kindTensors:        func() Message { return new(Tensors) },
	kindDataInfo:       func() Message { return new(DataInfo) },
	kindPutData:        func() Message { return new(PutData) },
	kindHasData:        func() Message { return new(HasData) },
	kindAskData:        func() Message { return new(AskData) },
	kindRows:           func() Message { return new(Rows) },
	kindMetrics:        func() Message { return new(Metrics) },
	kindDeclare:        func() Message { return new(Declare) },
	kindDeclared:       func() Message { return new(Declared) },
	kindRun:            func() Message { return new(Run) },
	kindTrain:          func() Message { return new(Train) },
	kindWatch:          func() Message { return new(Watch) },
	kindEvent:          func() Message { return new(Event) },
	kindTrained:        func() Message { return new(Trained) },
	kindStop:           func() Message { return new(Stop) },
	kindSetLR:          func() Message { return new(SetLR) },
	kindAskTrainer:     func() Message { return new(AskTrainer) },
	kindReset:          func() Message { return new(Reset) },
	kindDrop:           func() Message { return new(Drop) },
	kindEvaluate:       func() Message { return new(Evaluate) },
	kindPredict:        func() Message { return new(Predict) },
	kindCompute:        func() Message { return new(Compute) },
	kindPicture:        func() Message { return new(Picture) },
	kindShow:           func() Message { return new(Show) },
	kindAskReport:      func() Message { return new(AskReport) },
	kindReport:         func() Message { return new(Report) },
	kindAskCurve:       func() Message { return new(AskCurve) },
	kindCurve:          func() Message { return new(Curve) },
	kindAskExplain:     func() Message { return new(AskExplain) },
	kindExplained:      func() Message { return new(Explained) },
	kindCall:           func() Message { return new(Call) },
	kindAskDevices:     func() Message { return new(AskDevices) },
	kindDevices:        func() Message { return new(Devices) },
	kindDevice:         func() Message { return new(Device) },
	kindUseDevice:      func() Message { return new(UseDevice) },
	kindLoadData:       func() Message { return new(LoadData) },
	kindOpenStream:     func() Message { return new(OpenStream) },
	kindOffer:          func() Message { return new(Offer) },
	kindPull:           func() Message { return new(Pull) },
	kindEnter:          func() Message { return new(Enter) },
	kindChunk:          func() Message { return new(Chunk) },
	kindFork:           func() Message { return new(Fork) },
	kindRename:         func() Message { return new(Rename) },
	kindSave:           func() Message { return new(Save) },
	kindRestore:        func() Message { return new(Restore) },
	kindAskCheckpoints: func() Message { return new(AskCheckpoints) },
	kindCheckpoints:    func() Message { return new(Checkpoints) },
	kindPause:          func() Message { return new(Pause) },
	kindResume:         func() Message { return new(Resume) },
	kindAskMemory:      func() Message { return new(AskMemory) },
	kindMemory:         func() Message { return new(Memory) },
	kindFindLR:         func() Message { return new(FindLR) },
	kindLRCurve:        func() Message { return new(LRCurve) },
	kindDropCheckpoint: func() Message { return new(DropCheckpoint) },
	kindImport:         func() Message { return new(Import) },
}

func (*Hello) kind() Kind          { return kindHello }
func (*Welcome) kind() Kind        { return kindWelcome }
func (*Problem) kind() Kind        { return kindProblem }
func (*OK) kind() Kind             { return kindOK }
func (*StatusRequest) kind() Kind  { return kindStatusRequest }
func (*Status) kind() Kind         { return kindStatus }
func (*Shutdown) kind() Kind       { return kindShutdown }
func (*Tensors) kind() Kind        { return kindTensors }
func (*DataInfo) kind() Kind       { return kindDataInfo }
func (*PutData) kind() Kind        { return kindPutData }
func (*HasData) kind() Kind        { return kindHasData }
func (*AskData) kind() Kind        { return kindAskData }
func (*Rows) kind() Kind           { return kindRows }
func (*Metrics) kind() Kind        { return kindMetrics }
func (*Declare) kind() Kind        { return kindDeclare }
func (*Declared) kind() Kind       { return kindDeclared }
func (*Run) kind() Kind            { return kindRun }
func (*Train) kind() Kind          { return kindTrain }
func (*Watch) kind() Kind          { return kindWatch }
func (*Event) kind() Kind          { return kindEvent }
func (*Trained) kind() Kind        { return kindTrained }
func (*Stop) kind() Kind           { return kindStop }
func (*SetLR) kind() Kind          { return kindSetLR }
func (*AskTrainer) kind() Kind     { return kindAskTrainer }
func (*Reset) kind() Kind          { return kindReset }
func (*Drop) kind() Kind           { return kindDrop }
func (*Evaluate) kind() Kind       { return kindEvaluate }
func (*Predict) kind() Kind        { return kindPredict }
func (*Compute) kind() Kind        { return kindCompute }
func (*Picture) kind() Kind        { return kindPicture }
func (*Show) kind() Kind           { return kindShow }
func (*AskReport) kind() Kind      { return kindAskReport }
func (*Report) kind() Kind         { return kindReport }
func (*AskCurve) kind() Kind       { return kindAskCurve }
func (*Curve) kind() Kind          { return kindCurve }
func (*AskExplain) kind() Kind     { return kindAskExplain }
func (*Explained) kind() Kind      { return kindExplained }
func (*Call) kind() Kind           { return kindCall }
func (*AskDevices) kind() Kind     { return kindAskDevices }
func (*Devices) kind() Kind        { return kindDevices }
func (*Device) kind() Kind         { return kindDevice }
func (*UseDevice) kind() Kind      { return kindUseDevice }
func (*LoadData) kind() Kind       { return kindLoadData }
func (*OpenStream) kind() Kind     { return kindOpenStream }
func (*Offer) kind() Kind          { return kindOffer }
func (*Pull) kind() Kind           { return kindPull }
func (*Enter) kind() Kind          { return kindEnter }
func (*Chunk) kind() Kind          { return kindChunk }
func (*Fork) kind() Kind           { return kindFork }
func (*Rename) kind() Kind         { return kindRename }
func (*Save) kind() Kind           { return kindSave }
func (*Restore) kind() Kind        { return kindRestore }
func (*AskCheckpoints) kind() Kind { return kindAskCheckpoints }
func (*Checkpoints) kind() Kind    { return kindCheckpoints }
func (*Pause) kind() Kind          { return kindPause }
func (*Resume) kind() Kind         { return kindResume }
func (*AskMemory) kind() Kind      { return kindAskMemory }
func (*Memory) kind() Kind         { return kindMemory }
func (*FindLR) kind() Kind         { return kindFindLR }
func (*LRCurve) kind() Kind        { return kindLRCurve }
func (*DropCheckpoint) kind() Kind { return kindDropCheckpoint }
func (*Import) kind() Kind         { return kindImport }

// AboutTrainer is a request about one trainer of the session.
type AboutTrainer interface {
	Message
	TrainerName() string
}

// TrainerName names the trainer that the request is about.
func (m *Train) TrainerName() string          { return m.Trainer }
func (m *Watch) TrainerName() string          { return m.Trainer }
func (m *Stop) TrainerName() string           { return m.Trainer }
func (m *SetLR) TrainerName() string          { return m.Trainer }
func (m *Reset) TrainerName() string          { return m.Trainer }
func (m *AskTrainer) TrainerName() string     { return m.Trainer }
func (m *Evaluate) TrainerName() string       { return m.Trainer }
func (m *Predict) TrainerName() string        { return m.Trainer }
func (m *AskReport) TrainerName() string      { return m.Trainer }
func (m *AskCurve) TrainerName() string       { return m.Trainer }
func (m *AskExplain) TrainerName() string     { return m.Trainer }
func (m *Fork) TrainerName() string           { return m.Trainer }
func (m *Rename) TrainerName() string         { return m.Trainer }
func (m *Save) TrainerName() string           { return m.Trainer }
func (m *Restore) TrainerName() string        { return m.Trainer }
func (m *AskCheckpoints) TrainerName() string { return m.Trainer }
func (m *DropCheckpoint) TrainerName() string { return m.Trainer }
func (m *Import) TrainerName() string         { return m.Trainer }
func (m *Pause) TrainerName() string          { return m.Trainer }
func (m *Resume) TrainerName() string         { return m.Trainer }
func (m *FindLR) TrainerName() string         { return m.Trainer }
