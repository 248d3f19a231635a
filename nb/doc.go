// Package nb builds, trains and asks models from the cells of a Go notebook.
//
// A cell of gonb is a program of its own: what it computed is gone when it
// ends. So nb keeps nothing. Models are described here and live in the core, a
// process beside the notebook that the first cell starts:
//
//	var model = nb.Input(8, 8, 1).Conv2D(16, 3).ReLU().MaxPool2D(2).Flatten().Dense(10)
//	var digits = datasets.Digits()
//	var t = nb.NewTrainer("digits", model, nb.Config{Data: digits.Train, Valid: digits.Test})
//
//	%%
//	t.Fit(3)        // a living chart and a table; the next cell goes on from here
//
// Declarations may run again in every cell, as gonb has them: NewTrainer makes
// the trainer when there is none of that name and attaches to it otherwise.
// They cost no round trip; the first method that needs the core connects.
//
// The core writes trainers down while they train. When it has died, the first
// cell that uses a trainer gets it back from there, with weights, optimizer,
// position and history, and says so. Fork copies a trainer while it trains;
// Checkpoint and Save keep it as it is in a file, and Restore goes back to one.
// Load takes weights of PyTorch or Keras out of a file. Trainings keep their best
// and latest checkpoints by Keep. With EarlyStop a training ends when it learns no more, with the best weights.
// FindLR looks for a learning rate to begin with.
//
// A Tensor is a value that a model or a computation is made of; its methods
// are layers and operations. A layer of your own is a function from *Tensor to
// *Tensor. Shapes are checked as the line runs.
//
// The layers, each with its formula and source, and the names and first values
// of its parameters, at its method:
//
//   - Dense, Conv1D, Conv2D, DepthwiseConv2D, ConvTranspose2D
//   - MaxPool2D, AvgPool2D, GlobalAvgPool2D, GlobalMaxPool2D, UpSample2D
//   - BatchNorm, LayerNorm, GroupNorm, RMSNorm, Dropout
//   - RandomFlip, RandomCrop, Rotate, Cutout, which change images in training
//     only, and Normalize; Config.Mixup mixes rows
//   - Embedding, MultiHeadAttention, PositionalEncoding, LearnedPositions
//   - LSTM, GRU
//   - Flatten, Reshape, Permute, Concat, Split, Slice, Pad, and Add for what
//     goes around a block
//   - ReLU, LeakyReLU, PReLU, ELU, SELU, CELU, GELU, GELUTanh, Sigmoid,
//     HardSigmoid, Tanh, SiLU, HardSwish, Mish, Softplus, Softmax, LogSoftmax
//
// Those with settings have a second method, like Conv2DWith. Share uses one
// block of layers in several places, and Freeze keeps one as it is. Images are
// [B, height, width, channels] and sequences [B, steps, features].
//
// Data comes from package datasets, from Go values by Data, from files by CSV,
// Parquet, NumPy, NPZ, IDX and Images, which the core reads, and from a function
// of the cell by Stream.
//
// Tensors of numbers are computed in the core when somebody looks: with String,
// Values, Item, Eval, and the function Eval for several at once. Keep and Kept
// carry them from cell to cell. They do what NumPy's arrays do:
//
//   - made: Array, Zeros, Ones, Full, Arange, Linspace, Eye, Diag, OneHot; with a
//     seed Uniform, Normal, Integers, Permutation
//   - element by element, with broadcasting: Add, Sub, Mul, Div, FloorDiv, Mod,
//     Pow, Maximum, Minimum, Clip, Neg, Abs, Sign, Square, Sqrt, Exp, Log, Sin,
//     Atan2, Tanh, Erf, Floor, Round and their like; Eq, Ne, Lt, Le, Gt, Ge, And, Or,
//     Not, IsNaN, IsFinite, Where; Cast, Float, Int
//   - parts: At, Slice, Take, TakeAlong, Masked, NonZero, Diagonal, Tril, Triu
//   - reduced: Sum, Prod, Mean, Var, Std, Max, Min, Any, All, Norm, LogSumExp,
//     ArgMax, ArgMin; in order: Sort, ArgSort, TopK, CumSum, CumProd
//   - arranged: Reshape, Transpose, Permute, SwapAxes, ExpandDims, Squeeze,
//     BroadcastTo, Concat, Stack, Split, Tile, Repeat, Flip, Roll, Pad
//   - products: MatMul, Outer, Einsum
//   - linear algebra: Solve, Inv, Det, SlogDet, Cholesky, QR, SVD, Eigh, Eig,
//     LstSq, PInv, MatrixRank, Expm, Trace
//   - Fourier transforms: FFT, IFFT, RFFT, IRFFT, FFT2, IFFT2
//   - gradients of any function of them, of any order: Grad, ValueAndGrad
//
// Devices lists what the core can compute on, and Device chooses. Memory tells who
// holds how much there.
//
// Explain tells what a trainer's step or a tensor is compiled to, and how long
// each part of it takes; Config.Check finds what makes a number NaN.
//
// In a cell an error is one short report of what happened, in which line of
// the cell and what to do, and ends the cell. In other programs it is a panic
// with an *Error, and Try returns it as a value.
package nb
