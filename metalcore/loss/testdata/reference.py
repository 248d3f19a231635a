"""Losses and their gradients as PyTorch has them, written to losses.json.

    python3 reference.py        (PyTorch 2.15.0 wrote the file that is kept)

Each case holds the loss of each row, the mean as PyTorch takes it, and the
gradient of that mean for the model's output. "x" and "y" are rows of numbers;
"labels" are class numbers.
"""
import json
import os

import torch
import torch.nn.functional as F

torch.manual_seed(5)
X = torch.randn(6, 4) * 2
BIG = torch.tensor([[300.0, -400.0, 0.0, 2.0], [-90.0, 95.0, 95.0, 0.0]])
LABELS = torch.tensor([0, 3, 2, 1, 3, 3])
SOFT = torch.softmax(torch.randn(6, 4), 1)
ONE_HOT = F.one_hot(LABELS, 4).float()
SPARSE = torch.tensor([[0.0, 0.25, 0.75, 0.0]] * 3 + [[1.0, 0, 0, 0]] * 3)
TARGET = torch.randn(6, 4) * 2
ONE = torch.tensor([0.0, 0.7, -3.0, 120.0, -120.0, 1e-3])
BITS = torch.tensor([1, 0, 1, 1, 0, 0])
FLOATS = torch.tensor([0.5, 0.0, 1.0, 0.25, 0.0, 1.0])
PROBS = torch.tensor([0.5, 1e-6, 0.999, 0.2, 0.7, 0.25])
MULTI = (torch.rand(6, 4) > 0.5).float()
WEIGHTS = torch.tensor([0.5, 2.0, 0.0, 1.5])
SAMPLE = torch.tensor([1.0, 0.0, 2.0, 0.5, 3.0, 1.0])


def entropy(**kw):
    return lambda x, y, r: F.cross_entropy(x, y, reduction=r, **kw)


def rows(f):
    """A loss that PyTorch averages over all numbers of a batch."""
    return lambda x, y, r: f(x, y, reduction="mean") if r == "mean" else f(x, y, reduction="none").flatten(1).mean(1) if x.dim() > 1 else f(x, y, reduction="none")


def bits(f):
    return lambda x, y, r: rows(f)(x, y.float(), r)


def pos_weight(x, y, r):
    return rows(lambda a, b, reduction: F.binary_cross_entropy_with_logits(a, b, reduction=reduction, pos_weight=torch.tensor(2.5)))(x, y.float(), r)


def kl(x, y, r):
    all = F.kl_div(F.log_softmax(x, 1), y, reduction="none").sum(1)
    return all.mean() if r == "mean" else all


def hinge(x, y, r):
    sign = 2 * y.float() - 1 if y.dtype == torch.long else y
    all = torch.relu(1 - sign * x)
    return all.mean() if r == "mean" else all


def cosine(x, y, r):
    return F.cosine_embedding_loss(x, y, torch.ones(len(x)), reduction=r)


def sampled(x, y, r):
    all = F.cross_entropy(x, y, reduction="none", weight=WEIGHTS) * SAMPLE
    return all.sum() / (SAMPLE * WEIGHTS[y]).sum() if r == "mean" else all


CASES = {
    "classes": ("cross_entropy", {}, X, LABELS, entropy()),
    "large logits": ("cross_entropy", {}, BIG, LABELS[:2], entropy()),
    "smoothing": ("cross_entropy", dict(numbers=dict(smoothing=0.1)), X, LABELS, entropy(label_smoothing=0.1)),
    "class weights": ("cross_entropy", dict(weights=WEIGHTS.tolist()), X, LABELS, entropy(weight=WEIGHTS)),
    "ignore": ("cross_entropy", dict(ignore=[3]), X, LABELS, entropy(ignore_index=3)),
    "weights, smoothing, ignore": ("cross_entropy", dict(numbers=dict(smoothing=0.2), weights=WEIGHTS.tolist(), ignore=[0]),
                                   X, LABELS, entropy(weight=WEIGHTS, label_smoothing=0.2, ignore_index=0)),
    "soft labels": ("cross_entropy", {}, X, SOFT, entropy()),
    "one-hot labels": ("cross_entropy", {}, X, ONE_HOT, entropy()),
    "soft, smoothing, weights": ("cross_entropy", dict(numbers=dict(smoothing=0.3), weights=WEIGHTS.tolist()),
                                 X, SOFT, entropy(weight=WEIGHTS, label_smoothing=0.3)),
    "sample weights": ("cross_entropy", dict(weights=WEIGHTS.tolist(), sample=SAMPLE.tolist()), X, LABELS, sampled),
    "bce, one output": ("bce", {}, PROBS, BITS, bits(F.binary_cross_entropy)),
    "bce of 0 and 1": ("bce", {}, torch.tensor([0.0, 1.0, 1.0, 0.0]), torch.tensor([0.0, 1.0, 0.0, 1.0]), None),
    "bce, outputs": ("bce", {}, torch.sigmoid(X), MULTI, bits(F.binary_cross_entropy)),
    "bce logits, one output": ("bce_logits", {}, ONE, BITS, bits(F.binary_cross_entropy_with_logits)),
    "bce logits, floats": ("bce_logits", {}, ONE, FLOATS, bits(F.binary_cross_entropy_with_logits)),
    "bce logits, outputs": ("bce_logits", {}, X, MULTI, bits(F.binary_cross_entropy_with_logits)),
    "bce logits, column": ("bce_logits", {}, ONE.reshape(6, 1), FLOATS.reshape(6, 1), bits(F.binary_cross_entropy_with_logits)),
    "bce positive weight": ("bce_logits", dict(numbers=dict(pos_weight=2.5)), X, MULTI, pos_weight),
    "hinge, one output": ("hinge", {}, torch.tensor([0.5, -0.2, 3.0, 1.0, -2.0, 0.0]), BITS, hinge),
    "hinge, outputs": ("hinge", {}, X, 2 * MULTI - 1, rows(lambda x, y, reduction: hinge(x, y, reduction))),
    "hinge, classes": ("hinge", {}, X, LABELS, lambda x, y, r: F.multi_margin_loss(x, y, reduction=r)),
    "kl": ("kl", {}, X, SOFT, kl),
    "kl with zeros": ("kl", {}, X, SPARSE, kl),
    "mse": ("mse", {}, X, TARGET, rows(F.mse_loss)),
    "mae": ("mae", {}, X, TARGET, rows(F.l1_loss)),
    "huber": ("huber", {}, X, TARGET, rows(F.huber_loss)),
    "huber delta": ("huber", dict(numbers=dict(delta=2.5)), X, TARGET,
                    rows(lambda x, y, reduction: F.huber_loss(x, y, reduction=reduction, delta=2.5))),
    "smooth l1": ("smooth_l1", {}, X, TARGET, rows(F.smooth_l1_loss)),
    "smooth l1 beta": ("smooth_l1", dict(numbers=dict(beta=0.5)), X, TARGET,
                       rows(lambda x, y, reduction: F.smooth_l1_loss(x, y, reduction=reduction, beta=0.5))),
    "cosine": ("cosine", {}, X, TARGET, cosine),
}


def values(t):
    return [float("%.8g" % v) for v in t.detach().flatten().tolist()]


def case(name, loss, settings, x, y, f):
    x = x.clone().requires_grad_(True)
    if f is None:  # PyTorch's gradient is 0 where the label is met and ±1e12 where it is missed: here it is
        # the derivative, and 0 where the logarithm is cut off
        all = F.binary_cross_entropy(x, y, reduction="none")
        mean, grad = all.mean(), torch.tensor([0.25, -0.25, 0.0, 0.0])
    else:
        all, mean = f(x, y, "none"), f(x, y, "mean")
        (grad,) = torch.autograd.grad(mean, x)
    out = dict(case=name, loss=loss, **settings, shape=list(x.shape), x=values(x), rows=values(all), mean=float(mean.detach()), grad=values(grad))
    if y.dtype == torch.long:
        out["labels"] = y.tolist()
    else:
        out["y"] = values(y)
    return out


result = [case(name, *c) for name, c in CASES.items()]
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "losses.json"), "w") as f:
    f.write("[\n" + ",\n".join(json.dumps(r) for r in result) + "\n]\n")
