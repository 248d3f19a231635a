package nb

import (
	"math"

	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
)

// The layers of this file change images at random while a model is trained, each
// image in its own way, and do nothing when it is evaluated or predicts. They are
// part of the step that the device computes. What they draw follows from the
// trainer's seed and step: a run that is stopped goes on as it would have.

// RandomFlip mirrors half of the images, left to right.
func (t *Tensor) RandomFlip() *Tensor {
	return t.augment("random_flip", func(x *ir.Value) *ir.Value { return mirrored(x, draw()) })
}

// RandomCrop puts pad pixels of 0 around each image and cuts one of the same size
// out of it, at a random place: it moves by up to pad pixels.
func (t *Tensor) RandomCrop(pad int) *Tensor {
	if pad < 1 {
		argument("give the number of pixels that an image may move by, like 4", "random_crop: a padding of %d", pad)
	}
	return t.augment("random_crop", func(x *ir.Value) *ir.Value {
		return moved(x, below(draw(), 2*pad+1, -pad), below(draw(), 2*pad+1, -pad))
	})
}

// Rotate turns each image about its centre by a random angle of up to that many
// degrees to either side. Pixels are interpolated bilinearly, and are 0 beyond
// the image.
func (t *Tensor) Rotate(degrees float64) *Tensor {
	if !(degrees > 0 && degrees <= 180) {
		argument("use an angle of up to 180, like 15", "rotate: an angle of %v degrees", degrees)
	}
	return t.augment("rotate", func(x *ir.Value) *ir.Value {
		share := op.Sub(op.Mul(draw(), num(2)), num(1))
		return rotated(x, op.Mul(share, num(degrees*math.Pi/180)))
	})
}

// Cutout makes a square of size x size pixels of each image 0, whose centre is
// anywhere in it, so that a part of the square may lie outside (DeVries, Taylor
// 2017).
func (t *Tensor) Cutout(size int) *Tensor {
	if size < 1 {
		argument("give the side of the square in pixels, like 8", "cutout: a square of %d pixels", size)
	}
	return t.augment("cutout", func(x *ir.Value) *ir.Value {
		return cut(x, below(draw(), x.Shape[1], 0), below(draw(), x.Shape[2], 0), size)
	})
}

// Normalize subtracts the mean of each channel, the last axis, and divides by its
// standard deviation, which are given: one number for all channels, or one for
// each. It does so in training and out of it.
//
//	x.Normalize([]float64{125.3, 123.0, 113.9}, []float64{63.0, 62.1, 66.7})   // CIFAR-10, as bytes
func (t *Tensor) Normalize(mean, std []float64) *Tensor {
	channels := t.v.Shape[t.lastAxis("normalize")]
	factors, shifts := make([]float32, channels), make([]float32, channels)
	for _, list := range [][]float64{mean, std} {
		if len(list) != 1 && len(list) != channels {
			argument("give one for all channels, or one for each", "normalize: %d numbers for the %d channels of %s", len(list), channels, t.v.Type())
		}
	}
	for i := range channels {
		m, s := mean[i%len(mean)], std[i%len(std)]
		if !(s > 0) || math.IsInf(s, 0) || math.IsNaN(m) || math.IsInf(m, 0) {
			argument("use finite numbers, and deviations above 0", "normalize: a mean of %v and a standard deviation of %v", m, s)
		}
		factors[i], shifts[i] = float32(1/s), float32(-m/s)
	}
	return t.unary("normalize", func(x *ir.Value) *ir.Value {
		return op.Add(op.Mul(x, channelNumbers(factors)), channelNumbers(shifts))
	})
}

// channelNumbers has a number for each channel.
func channelNumbers(list []float32) *ir.Value {
	parts := make([]*ir.Value, len(list))
	same := true
	for i, x := range list {
		parts[i] = ir.Const(float64(x), ir.F32, 1)
		same = same && x == list[0]
	}
	if same {
		return num(float64(list[0]))
	}
	return op.Concat(0, parts...)
}

// augment makes a layer that changes images [B, height, width, channels] in
// training.
func (t *Tensor) augment(layer string, change func(x *ir.Value) *ir.Value) *Tensor {
	t.image(layer)
	return t.unary(layer, func(x *ir.Value) *ir.Value { return op.Phase(change(x), x) })
}

// draw is a number from 0 to 1 for each image, of the shape [B,1,1].
func draw() *ir.Value {
	return op.Random(trainerState(ir.StateSeed), trainerState(ir.StateStep), 0, ir.Shape{ir.Batch, 1, 1})
}

// below makes whole numbers from low to low+n-1 of random ones.
func below(u *ir.Value, n, low int) *ir.Value {
	i := op.Min(op.Floor(op.Mul(u, num(float64(n)))), num(float64(n-1)))
	return op.Cast(op.Add(i, num(float64(low))), ir.I32)
}

// places are the numbers of the rows, or columns, of images: [H,1], or [1,W].
func places(x *ir.Value) (rows, columns *ir.Value) {
	h, w := x.Shape[1], x.Shape[2]
	return op.Reshape(ir.Iota(h), ir.Shape{h, 1}), op.Reshape(ir.Iota(w), ir.Shape{1, w})
}

func whole(n int) *ir.Value { return ir.Const(float64(n), ir.I32) }

// within is true where 0 <= i < n.
func within(i *ir.Value, n int) *ir.Value {
	return op.Min(op.Le(whole(0), i), op.Lt(i, whole(n)))
}

// sample takes for each pixel the one at row ys and column xs, which broadcast to
// [B,H,W]; pixels outside are 0.
func sample(x, ys, xs *ir.Value) *ir.Value {
	n, h, w, c := x.Shape[0], x.Shape[1], x.Shape[2], x.Shape[3]
	flat := func(v *ir.Value) *ir.Value {
		return op.Reshape(op.Broadcast(v, ir.Shape{n, h, w}), ir.Shape{n, h * w, 1})
	}
	index := op.Broadcast(flat(op.Add(op.Mul(ys, whole(w)), xs)), ir.Shape{n, h * w, c})
	pixels := op.TakeAlong(op.Reshape(x, ir.Shape{n, h * w, c}), index, 1)
	inside := flat(op.Min(within(ys, h), within(xs, w)))
	return op.Reshape(op.Select(inside, pixels, num(0)), x.Shape)
}

// mirrored turns left to right the images whose number u [B,1,1] is below a half.
func mirrored(x, u *ir.Value) *ir.Value {
	rows, columns := places(x)
	back := op.Sub(whole(x.Shape[2]-1), columns)
	return sample(x, rows, op.Select(op.Lt(u, num(0.5)), back, columns))
}

// moved takes each pixel from dy rows below and dx columns to the right of it.
func moved(x, dy, dx *ir.Value) *ir.Value {
	rows, columns := places(x)
	return sample(x, op.Add(rows, dy), op.Add(columns, dx))
}

// cut makes the square around the row cy and the column cx 0: from size/2 before
// them on.
func cut(x, cy, cx *ir.Value, size int) *ir.Value {
	rows, columns := places(x)
	near := func(i, centre *ir.Value) *ir.Value {
		return within(op.Add(op.Sub(i, centre), whole(size/2)), size)
	}
	square := op.Min(near(rows, cy), near(columns, cx))
	return op.Select(op.Reshape(square, ir.Shape{x.Shape[0], x.Shape[1], x.Shape[2], 1}), num(0), x)
}

// rotated turns images by angles [B,1,1], counterclockwise, where rows are
// counted downwards: the pixel at (y,x) from the centre is that at
// (y cos - x sin, y sin + x cos) of the image.
func rotated(x, angle *ir.Value) *ir.Value {
	rows, columns := places(x)
	cy, cx := float64(x.Shape[1]-1)/2, float64(x.Shape[2]-1)/2
	y, z := op.Sub(op.Cast(rows, ir.F32), num(cy)), op.Sub(op.Cast(columns, ir.F32), num(cx))
	sin, cos := op.Sin(angle), op.Cos(angle)
	ys := op.Add(op.Sub(op.Mul(y, cos), op.Mul(z, sin)), num(cy))
	xs := op.Add(op.Add(op.Mul(y, sin), op.Mul(z, cos)), num(cx))
	y0, x0 := op.Floor(ys), op.Floor(xs)
	fy, fx := op.Sub(ys, y0), op.Sub(xs, x0)
	pixel := func(v *ir.Value) *ir.Value { return op.Reshape(v, ir.Shape{x.Shape[0], x.Shape[1], x.Shape[2], 1}) }
	var sum *ir.Value
	for corner := range 4 {
		down, right := corner/2, corner%2
		weight := op.Mul(share(fy, down), share(fx, right))
		part := op.Mul(pixel(weight), sample(x, plus(op.Cast(y0, ir.I32), down), plus(op.Cast(x0, ir.I32), right)))
		if sum == nil {
			sum = part
		} else {
			sum = op.Add(sum, part)
		}
	}
	return sum
}

// share is what the pixel before or behind a place between two counts.
func share(f *ir.Value, behind int) *ir.Value {
	if behind == 1 {
		return f
	}
	return op.Sub(num(1), f)
}
