# Writes tensors.json: functions of arrays with their results and gradients in
# PyTorch, in float64. The tests of package nb build the same functions by name.
# Writes spans.json: what Python's slices take of 0 to n-1.
# Needs torch and numpy; run it in this folder.
import json
import numpy as np
import torch

rng = np.random.default_rng(11)
cases = []


def flat(a):
    a = np.asarray(a)
    kind = "i32" if a.dtype.kind in "iub" else "f32"
    data = [int(x) if kind == "i32" else (float(f"{x:.7g}") if np.isfinite(x) else str(x)) for x in a.ravel().tolist()]
    return {"T": kind, "S": list(a.shape), "D": data}


def r(*shape):  # apart from 0
    return (rng.choice([-1, 1], shape) * (0.3 + 1.7 * rng.random(shape))).astype(np.float32)


def p(*shape):
    return (0.3 + 2 * rng.random(shape)).astype(np.float32)


def i(lo, hi, *shape):
    return rng.integers(lo, hi, shape, dtype=np.int32)


def arr(*x):
    return np.array(x, np.float32)


def case(name, f, *inputs, grad=True, second=False):
    """f takes tensors and returns one or a tuple; the gradient is that of the
    sum of the first result times 1, 2, 3, ... / elements, and the second one
    that of the sum of all gradients."""
    ts = []
    for x in inputs:
        t = torch.tensor(np.asarray(x))
        ts.append(t.double().requires_grad_(grad) if t.is_floating_point() else t.long())
    out = f(*ts)
    outs = out if isinstance(out, (tuple, list)) else [out]
    c = {"Name": name, "In": [flat(x) for x in inputs], "Out": [flat(o.detach().numpy()) for o in outs]}
    y = outs[0]
    if grad and y.is_floating_point() and y.numel() and y.requires_grad:
        w = (torch.arange(y.numel(), dtype=torch.float64) + 1) / y.numel()
        wrt = [t for t in ts if t.requires_grad]
        zeros = lambda gs: [flat(np.zeros(t.shape) if g is None else g.detach().numpy()) for t, g in zip(wrt, gs)]
        gs = torch.autograd.grad((y * w.reshape(y.shape)).sum(), wrt, allow_unused=True, create_graph=second)
        c["Grad"] = zeros(gs)
        if second:
            total = sum(g.sum() for g in gs)
            c["Second"] = zeros(torch.autograd.grad(total, wrt, allow_unused=True) if total.requires_grad else [None] * len(wrt))
    cases.append(c)


def plain(name, f, *inputs):
    case(name, f, *inputs, grad=False)


# element by element
for n, f in {"add": torch.add, "sub": torch.sub, "mul": torch.mul, "div": torch.div, "maximum": torch.maximum, "minimum": torch.minimum}.items():
    for a, b in [((2, 3), (2, 3)), ((2, 3), (3,)), ((2, 1, 3), (4, 1)), ((), (2,)), ((0, 3), (1, 3)), ((1,), (1, 1))]:
        case(n, f, r(*a), r(*b))
    case(n, f, i(-9, 9, 4), i(1, 5, 4))
    case(n, f, i(-9, 9, 2, 2), r(2))
case("pow", torch.pow, p(2, 3), r(3))
case("pow", torch.pow, i(1, 5, 3), i(0, 4, 3).astype(np.float32))
for n, f in {"floordiv": lambda a, b: torch.div(a, b, rounding_mode="floor"), "mod": torch.remainder}.items():
    plain(n, f, arr(5.5, -5.5, 5.5, -5.5, 0, 7), arr(2, 2, -2, -2, 3, 7))
    plain(n, f, np.array([7, -7, 7, -7, 0, 6, -6], np.int32), np.array([2, 2, -2, -2, 3, 3, 3], np.int32))
edge = arr(np.nan, np.inf, -np.inf, 0, 1, -1, 2)
for n, f in {"eq": torch.eq, "ne": torch.ne, "lt": torch.lt, "le": torch.le, "gt": torch.gt, "ge": torch.ge}.items():
    plain(n, f, edge, arr(np.nan, np.inf, 0, 0, 2, -1, 1))
    plain(n, f, i(0, 3, 3, 1), i(0, 3, 4))
    plain(n, f, i(0, 3, 5), arr(1))
for n, f in {"and": torch.logical_and, "or": torch.logical_or}.items():
    plain(n, f, arr(0, 0, 2, -1, np.nan), arr(0, 1, 0, 3, 1))
    plain(n, f, i(0, 2, 3, 1), i(0, 2, 3))
plain("not", torch.logical_not, arr(0, 2, np.nan))
plain("isnan", torch.isnan, edge)
plain("isfinite", torch.isfinite, edge)
case("where", lambda a, b: torch.where(a > b, a * 2, b), r(2, 3), r(3))
case("where number", lambda a: torch.where(a > 0, a, -3.0), r(2, 3))
case("clip", lambda a: a.clip(-1, 1.5), r(3, 5))
case("number", lambda a: (2 - a) * 3 + 0.5, r(4))
plain("number", lambda a: (2 - a) * 3 + 0.5, i(-9, 9, 4))

unary = {"neg": torch.neg, "abs": torch.abs, "sign": torch.sign, "square": torch.square}
for n, f in unary.items():
    case(n, f, r(2, 3))
    case(n, f, i(-5, 5, 7))
floats = {"exp": torch.exp, "expm1": torch.expm1, "erf": torch.erf, "sin": torch.sin, "cos": torch.cos, "tan": torch.tan, "sinh": torch.sinh,
          "cosh": torch.cosh, "floor": torch.floor, "ceil": torch.ceil, "round": torch.round, "trunc": torch.trunc,
          "tanh": torch.tanh, "sigmoid": torch.sigmoid, "relu": torch.relu}
for n, f in floats.items():
    case(n, f, r(2, 3))
    case(n, f, arr(0, 1e-4, -1e-4, 2.5, -2.5, 3.5)) if n not in ("floor", "ceil") else None
for n, f in {"asin": torch.asin, "acos": torch.acos}.items():
    case(n, f, arr(-0.99, -0.5, -1e-3, 0, 0.3, 0.999))
    plain(n, f, arr(-1, 1, 2))
case("atan", torch.atan, arr(0, 1e-4, -1, 3, -1e4, 1e10))
points = arr(0, 1, -1, 2, -2, 0.5, 1e-20, 1e20)
case("atan2", torch.atan2, np.repeat(points[1:], 7).astype(np.float32), np.tile(points[1:], 7).astype(np.float32))
plain("atan2", torch.atan2, arr(0, 0, 0, 1, -1), arr(0, 1, -1, 0, 0))
for n, f in {"log": torch.log, "log1p": torch.log1p, "log2": torch.log2, "log10": torch.log10, "sqrt": torch.sqrt, "rsqrt": torch.rsqrt}.items():
    case(n, f, p(2, 3))
    case(n, f, arr(1e-6, 1, 1000, 12345))
plain("exp", lambda x: torch.exp(x.double()), i(-3, 3, 3))

# reductions
for n, f in {"sum": torch.sum, "mean": torch.mean, "max": torch.amax, "min": torch.amin, "norm": lambda x, dim: torch.linalg.vector_norm(x, 2, dim),
             "var": lambda x, dim: torch.var(x, dim, correction=0), "std": lambda x, dim: torch.std(x, dim, correction=0),
             "logsumexp": lambda x, dim: torch.logsumexp(x, dim)}.items():
    for shape in [(2, 3, 4), (1, 5), (3, 1)]:
        case(n + " all", lambda x: f(x, tuple(range(x.dim()))), r(*shape) if n not in ("std",) else r(*shape[:1], 7))
        case(n + " 0", lambda x: f(x, (0,)), r(5, *shape[1:]))
        case(n + " -1", lambda x: f(x, (-1,)), r(*shape[:1], 6))
    case(n + " 0 -1", lambda x: f(x, (0, -1)), r(2, 3, 4))
case("logsumexp all", lambda x: torch.logsumexp(x, 0), arr(1000, 1001, -1000))
plain("logsumexp -1", lambda x: torch.logsumexp(x, -1), np.array([[-np.inf, -np.inf], [np.inf, 1], [0, -np.inf]], np.float32))
case("norm all", lambda x: torch.linalg.vector_norm(x), arr(0, 0, 0))
case("prod all", torch.prod, r(2, 3))
case("prod -1", lambda x: x.prod(-1), arr([1, 2, 3], [0, 2, 3], [0, 0, 3]))
plain("sum all", torch.sum, i(-9, 9, 3, 4))
plain("mean all", lambda x: x.double().mean(), i(-9, 9, 3, 4))
plain("sum 0", lambda x: x.sum(0), np.zeros((0, 3), np.float32))
plain("prod 0", lambda x: x.prod(0), np.zeros((0, 3), np.float32))
for n, f in {"any": torch.any, "all": torch.all}.items():
    plain(n + " all", f, arr(0, 0, np.nan))
    plain(n + " -1", lambda x: f(x, -1), i(0, 2, 6, 3))
    plain(n + " 0", lambda x: f(x, 0), np.zeros((0, 2), np.float32))
for n, f in {"argmax": torch.argmax, "argmin": torch.argmin}.items():
    plain(n + " all", f, r(3, 4))
    plain(n + " 0", lambda x: f(x, 0), r(3, 4))
    plain(n + " -1", lambda x: f(x, -1), i(-99, 99, 3, 9))
    plain(n + " 0", lambda x: f(x, 0), np.array([5, -2**31, 2**31 - 1], np.int32))

# order
x = rng.permutation(24).reshape(4, 6).astype(np.float32) / 4 - 3
for d in (False, True):
    for axis in (0, -1):
        case(f"sort {d} {axis}", lambda v: torch.sort(v, dim=axis, descending=d, stable=True), x)
        plain(f"sort {d} {axis}", lambda v: torch.sort(v, dim=axis, descending=d, stable=True), i(0, 4, 3, 7))
plain("sort False -1", lambda v: torch.sort(v, dim=-1, stable=True), arr(3, np.nan, -np.inf, np.inf, 0))
plain("sort False 0", lambda v: torch.sort(v, dim=0, stable=True), np.zeros((0, 2), np.float32))
case("topk 3", lambda v: torch.topk(v, 3, -1), x)
plain("topk 0", lambda v: torch.topk(v, 0, -1), x)
case("cumsum 0", lambda v: v.cumsum(0), r(4, 3))
case("cumsum -1", lambda v: v.cumsum(-1), r(2, 5))
case("cumprod -1", lambda v: v.cumprod(-1), r(3, 6))
case("cumprod 0", lambda v: v.cumprod(0), arr([2], [0], [3], [0.5], [0], [1]))
plain("cumprod -1", lambda v: v.cumprod(-1), i(-3, 4, 2, 5))
plain("cumprod 0", lambda v: v.cumprod(0), np.zeros((0, 2), np.float32))

# pieces
case("concat 1", lambda a, b: torch.cat([a, b], 1), r(2, 3), r(2, 1))
case("concat 1", lambda a, b: torch.cat([a, b], 1), i(0, 9, 2, 3), r(2, 1))
case("concat -1", lambda a, b: torch.cat([a, b], -1), r(2, 0), r(2, 2))
case("stack 0", lambda a, b: torch.stack([a, b], 0), r(2, 3), r(2, 3))
case("stack -1", lambda a, b: torch.stack([a, b], -1), r(2, 3), r(2, 3))
case("stack 0", lambda a, b: torch.stack([a, b], 0), r(), r())
case("split 3", lambda a: torch.split(a, 2, 1)[1], r(2, 6))
case("tile 2 3", lambda a: torch.tile(a, (2, 3)), r(2, 2))
case("tile 2 3", lambda a: torch.tile(a, (2, 3)), r(2))
case("tile 2", lambda a: torch.tile(a, (2,)), r(2, 3))
case("tile 2 0", lambda a: torch.tile(a, (2, 0)), r(2, 3))
case("repeat 3 0", lambda a: torch.repeat_interleave(a, 3, 0), r(2, 2))
case("repeat 2 -1", lambda a: torch.repeat_interleave(a, 2, -1), r(2, 2))
case("flip 0", lambda a: a.flip(0), r(3, 2))
case("flip -1", lambda a: a.flip(-1), r(2, 3, 4))
case("flip", lambda a: a.flip(0, 1), r(3, 2))
case("flip 0", lambda a: a.flip(0), r(0, 2))
for k in (1, -2, 7, 0):
    case(f"roll {k} 0", lambda a: a.roll(k, 0), r(5, 2))
    case(f"roll {k} -1", lambda a: a.roll(k, -1), i(0, 9, 2, 3))
case("tril 0", lambda a: a.tril(), r(3, 3))
case("tril -1", lambda a: a.tril(-1), r(2, 3, 4))
case("triu 1", lambda a: a.triu(1), r(4, 3))
case("diag", lambda a: torch.diag(a), r(3))
case("diagonal", lambda a: torch.diagonal(a, dim1=-2, dim2=-1), r(2, 3, 3))
case("trace", torch.trace, r(3, 3))
case("swapaxes 0 -1", lambda a: a.swapaxes(0, -1), r(2, 3, 4))
case("reshape -1 2", lambda a: a.reshape(-1, 2), r(2, 3))
case("expanddims -1", lambda a: a.unsqueeze(-1), r(2, 3))
case("squeeze", lambda a: a.squeeze(), r(1, 3, 1))
case("squeeze 0", lambda a: a.squeeze(0), r(1, 3, 1))
case("broadcast 4 2 3", lambda a: a.broadcast_to(4, 2, 3), r(2, 1))
case("pad 1 2 0", lambda a: torch.nn.functional.pad(a, (1, 2), value=7), r(2, 2))
case("take 0", lambda a, j: a[j], r(5, 2), np.array([[0, 4], [-1, 2]], np.int32))
case("take 1", lambda a, j: a[:, j], r(2, 5, 2), np.array([4, -5, 1], np.int32))
case("take 1", lambda a, j: a[:, j], r(2, 5), np.int32(3))
case("takealong -1", lambda a, j: torch.take_along_dim(a, j, -1), r(2, 4), np.array([[0, 3, 3], [1, 0, 2]], np.int32))
case("masked", lambda a: a[a > 0], r(3, 4))
case("at mask", lambda a: a[a > 0], r(3, 4))
case("masked rows", lambda a: a[a[:, 0] > 0], r(6, 2))
case("masked none", lambda a: a[a > 99], r(2, 2))
plain("nonzero", torch.nonzero, i(0, 2, 3, 4))
plain("nonzero", torch.nonzero, np.zeros((2, 2), np.int32))
plain("onehot 4", lambda j: torch.nn.functional.one_hot(j, 4).double(), i(0, 4, 2, 3))

# brackets: the name is what stands in them
at = {"0": (0,), "-1, 1": (-1, 1), "1:3": (slice(1, 3),), "..., 0": (..., 0), ":, ::2": (slice(None), slice(None, None, 2)),
      "::-1": "flip0", "newaxis, 1": (None, 1), "..., newaxis": (..., None), "1:, :-1, 1::2": (slice(1, None), slice(None, -1), slice(1, None, 2)),
      "9:, 0": (slice(9, None), 0), "-99:99": (slice(-99, 99),), "2:1": (slice(2, 1),), "0, 0, 0": (0, 0, 0), "newaxis, ..., newaxis": (None, ..., None)}
a3 = r(4, 5, 6)
for n, k in at.items():
    case("at " + n, (lambda v: v.flip(0)) if k == "flip0" else (lambda v: v[k]), a3)
for s in [(None, None, -2), (4, 0, -1), (-2, None, -3), (0, 3, -1), (1, None, -1), (None, 1, -2), (9, -9, -2), (3, 3, -1)]:
    text = ":".join("" if q is None else str(q) for q in s)
    idx = np.arange(5)[slice(*s)].copy()
    case("at :, " + text, lambda v: v[:, idx], a3)
i1, i2 = np.array([[0], [3]], np.int32), np.array([1, -1, 2], np.int32)
case("at index", lambda v, j: v[:, j, 1:], a3, i2)
case("at two", lambda v, j, k: v[j, k], a3, i1, i2)
case("at two last", lambda v, j, k: v[1:3, j, k], a3, i1, i2)

# products
for a, b in [((2, 3), (3, 4)), ((3,), (3, 4)), ((2, 3), (3,)), ((3,), (3,)), ((5, 2, 3), (3, 4)), ((5, 2, 3), (5, 3, 4)), ((2, 3), (5, 3, 4)),
             ((1, 2, 3), (5, 3, 4)), ((2, 1, 2, 3), (5, 3, 4)), ((5, 2, 3), (3,)), ((3,), (5, 3, 4)), ((0, 3), (3, 2)), ((2, 0), (0, 3)), ((1, 1), (1, 1))]:
    case("matmul", torch.matmul, r(*a), r(*b))
plain("matmul", lambda a, b: (a.double() @ b.double()), i(-5, 5, 2, 3), i(-5, 5, 3, 2))
case("outer", torch.outer, r(3), r(4))
for spec, *shapes in [("ij,jk->ik", (2, 3), (3, 4)), ("ij,jk", (2, 3), (3, 4)), ("ij->ji", (2, 3)), ("ij->", (2, 3)), ("ij->j", (2, 3)), ("ii", (3, 3)),
                      ("ii->i", (3, 3)), ("iij->ij", (3, 3, 2)), ("iji->j", (3, 2, 3)), ("i,i", (4,), (4,)), ("i,j->ij", (2,), (3,)), ("i,j->ji", (2,), (3,)),
                      ("bij,bjk->bik", (5, 2, 3), (5, 3, 4)), ("...ij,...jk->...ik", (5, 2, 3), (5, 3, 4)), ("...ij,...jk->...ik", (1, 2, 3), (5, 3, 4)),
                      ("...ij,jk->...ik", (2, 5, 2, 3), (3, 4)), ("...ij,...jk", (2, 1, 2, 3), (5, 3, 4)), ("bqhd,bkhd->bhqk", (2, 3, 2, 4), (2, 5, 2, 4)),
                      ("ij,ij->ij", (2, 3), (2, 3)), ("ij,ij,ij->i", (2, 3), (2, 3), (2, 3)), ("ij,jk,kl->il", (2, 3), (3, 4), (4, 2)),
                      ("i,ij,j->", (2,), (2, 3), (3,)), ("ij,k->", (2, 3), (4,)), ("ijk,jil->kl", (2, 3, 4), (3, 2, 5)), ("...->...", (2, 3)),
                      ("i...->...", (2, 3)), ("...i->i...", (2, 3)), ("i...,i...->...", (2, 3), (2, 3)), ("ab,b,cb->ac", (2, 3), (3,), (4, 3)), (",ij->ij", (), (2, 3)),
                      ("ij,jk->ik", (0, 3), (3, 4)), ("ij,jk->ik", (2, 0), (0, 4)), ("ij,jk->ik", (1, 1), (1, 1)), ("Ab,bA->A", (2, 3), (3, 2)), ("ijij->ij", (2, 3, 2, 3)),
                      ("abcd,cd->ba", (2, 3, 2, 2), (2, 2)), ("ba,ca->bc", (2, 3), (4, 3))]:
    case("einsum " + spec, lambda *v: torch.einsum(spec, *v), *[r(*s) for s in shapes])
plain("einsum ij,jk->ik", lambda a, b: torch.einsum("ij,jk->ik", a, b), i(-5, 5, 2, 3), i(-5, 5, 3, 2))
plain("einsum ij->i", lambda a: a.sum(1), i(-5, 5, 2, 3))

# linear algebra: well-conditioned matrices, and second derivatives
twice = lambda *a: case(*a, second=True)


def square(*shape):
    return r(*shape) / 4 + 2 * np.eye(shape[-1], dtype=np.float32)


def definite(*shape):
    a = r(*shape) / 2
    return (a @ np.swapaxes(a, -1, -2) + np.diag(np.arange(shape[-1]) + 1)).astype(np.float32)


L = torch.linalg
sym = lambda a: (a + a.mT) / 2
for a in [(3, 3), (1, 1), (2, 3, 3), (0, 3, 3), (0, 0)]:
    twice("inv", L.inv, square(*a))
    twice("det", L.det, square(*a))
    twice("slogdet", lambda x: L.slogdet(x)[::-1], square(*a))
twice("det", L.det, arr([1, 2], [3, 4]) * -1)
plain("det", L.det, arr([1, 2], [2, 4]))
plain("slogdet", lambda x: L.slogdet(x)[::-1], arr([1, 2], [2, 4]))
for a, b in [((3, 3), (3,)), ((3, 3), (3, 2)), ((2, 3, 3), (2, 3, 2)), ((2, 3, 3), (3, 1)), ((1, 1), (1,))]:
    twice("solve", L.solve, square(*a), r(*b))
twice("solve", lambda a, b: torch.stack([L.solve(m, b) for m in a]), square(2, 3, 3), r(3))
for a in [(3, 3), (1, 1), (2, 4, 4)]:
    twice("cholesky", lambda x: L.cholesky(sym(x)), definite(*a))
    twice("eigh", lambda x: tuple(v if v.dim() < x.dim() else v.abs() for v in L.eigh(sym(x))), definite(*a))
    twice("eigh vectors", lambda x: L.eigh(sym(x))[1].abs(), definite(*a))
def tall(*shape):
    return (np.eye(*shape[-2:]) * (2 + np.arange(shape[-1])) + r(*shape) / 4).astype(np.float32)


for a in [(3, 3), (5, 2), (2, 5), (2, 4, 3), (1, 1)]:
    (plain if a == (2, 5) else twice)("qr", lambda x: tuple(v.abs() for v in L.qr(x)), tall(*a))
    (plain if a == (2, 5) else twice)("qr r", lambda x: L.qr(x)[1].abs(), tall(*a))
    for n, k in [("svd u", 0), ("svd", 1), ("svd vt", 2)]:
        twice(n, lambda x: L.svd(x, full_matrices=False)[k].abs(), tall(*a))
    plain("matrix_rank", lambda x: L.matrix_rank(x.float()), r(*a))
    twice("pinv", L.pinv, r(*a) / 4 + np.eye(*a[-2:], dtype=np.float32) * 2)
plain("matrix_rank", lambda x: L.matrix_rank(x.float()), arr([1, 2, 3], [2, 4, 6], [1, 0, 1]))
plain("matrix_rank", lambda x: L.matrix_rank(x.float()), np.zeros((2, 3), np.float32))
plain("pinv", L.pinv, arr([1, 2], [2, 4], [3, 6]))
plain("eig", lambda x: (lambda w: (torch.sort(w.real).values, torch.sort(w.imag).values))(L.eigvals(x)), arr([0, 1, 2], [-1, 0, 3], [-2, -3, 1]))
for a, b in [((5, 2), (5,)), ((5, 2), (5, 3)), ((3, 3), (3, 1)), ((2, 5, 2), (2, 5, 1))]:
    twice("lstsq", lambda x, y: L.pinv(x) @ y, r(*a) / 4 + np.eye(*a[-2:], dtype=np.float32) * 2, r(*b))
plain("lstsq", lambda x, y: L.pinv(x) @ y, r(2, 5), r(2))
for a in [(3, 3), (1, 1), (2, 2, 2)]:
    twice("expm", L.matrix_exp, r(*a))
twice("expm", L.matrix_exp, r(3, 3) * 3)

# Fourier transforms: two results, real and imaginary parts
def parts(c):
    return c.real.contiguous(), c.imag.contiguous()


F = torch.fft
for a in [(1,), (2,), (8,), (7,), (2, 3, 12), (0, 4)]:
    n = a[-1]
    half = a[:-1] + (n // 2 + 1,)
    twice("fft", lambda x, y: parts(F.fft(torch.complex(x, y))), r(*a), r(*a))
    twice("ifft", lambda x, y: parts(F.ifft(torch.complex(x, y))), r(*a), r(*a))
    twice("rfft", lambda x: parts(F.rfft(x)), r(*a))
    twice(f"irfft {n}", lambda x, y: F.irfft(torch.complex(x, y), n), r(*half), r(*half))
twice("fft real", lambda x: parts(F.fft(x)), r(6))
twice("fft2", lambda x, y: parts(F.fft2(torch.complex(x, y))), r(2, 3, 4), r(2, 3, 4))
twice("ifft2", lambda x, y: parts(F.ifft2(torch.complex(x, y))), r(3, 4), r(3, 4))

places = [None, *range(-6, 7)]
with open("spans.json", "w") as f:
    json.dump({n: ["".join(map(str, list(range(n))[a:b:c])) for a in places for b in places for c in (-3, -1, 1, 2)] for n in (0, 1, 5)},
              f, separators=(",", ":"))
with open("tensors.json", "w") as f:
    json.dump(cases, f, separators=(",", ":"))
print(len(cases), "cases")
