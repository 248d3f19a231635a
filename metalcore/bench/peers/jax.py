"""The workloads of `metalnb bench` in JAX, jitted for the CPU.

Usage: jax.py THREADS. See torch.py for the questions.
"""

import json
import os
import sys
import time

sys.path.pop(0)  # this folder, where this file is a module named jax
os.environ["JAX_PLATFORMS"] = "cpu"
if hasattr(os, "sched_setaffinity"):  # XLA makes a thread for each processor it may use
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: int(sys.argv[1])])

try:
    import jax
except ImportError as e:
    print(json.dumps({"missing": str(e)}), flush=True)
    sys.exit()
import numpy as np
from jax import lax
from jax import numpy as jnp

LR = 1e-4
READ_EVERY = 0.2  # seconds between looks at the loss
R = np.random.default_rng(0)


def weights(*shape):
    return [jnp.asarray(R.normal(0, np.prod(shape[:-1]) ** -0.5, shape), jnp.float32), jnp.zeros(shape[-1])]


def dense(p, x):
    return x @ p[0] + p[1]


def mlp(ps, x):
    for p in ps[:-1]:
        x = jax.nn.relu(dense(p, x))
    return dense(ps[-1], x)


def layers(*sizes):
    return [weights(i, o) for i, o in zip(sizes, sizes[1:])]


def conv(p, x, stride=1):
    y = lax.conv_general_dilated(x, p[0], (stride, stride), [(1, 1), (1, 1)], dimension_numbers=("NHWC", "HWIO", "NHWC"))
    return jax.nn.relu(y + p[1])


def pool(x):
    return lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")


def flat(x):
    return x.reshape(x.shape[0], -1)


def w3(p, x, key):
    return mlp(p[2:], flat(pool(conv(p[1], pool(conv(p[0], x))))))


def w4(p, x, key):
    for q, stride in zip(p, (1, 2, 1, 2)):
        x = conv(q, x, stride)
    x = jax.nn.relu(dense(p[4], flat(x)))
    return dense(p[5], jnp.where(jax.random.bernoulli(key, 0.5, x.shape), x / 0.5, 0))


def norm(p, x):
    c = x - x.mean(-1, keepdims=True)
    return c * lax.rsqrt((c * c).mean(-1, keepdims=True) + 1e-5) * p[0] + p[1]


def block(p, x):
    n1, q, k, v, o, n2, *ff = p
    h = norm(n1, x)
    s = jax.nn.softmax(jnp.einsum("bqd,bkd->bqk", dense(q, h), dense(k, h)) * x.shape[-1] ** -0.5)
    x = x + dense(o, s @ dense(v, h))
    return x + mlp(ff, norm(n2, x))


def scale():
    return [jnp.ones(64), jnp.zeros(64)]


def block_weights():
    return [scale()] + [weights(64, 64) for _ in range(4)] + [scale()] + layers(64, 256, 64)


def w6(p, x, key):
    return dense(p[3], norm(p[2], block(p[1], block(p[0], x))).mean(1))


def plain(p, x, key):
    return mlp(p, x)


# name: parameters, model, shape of a row, classes, rows, batch, Adam
WORKS = {
    "W1": (lambda: layers(784, 128, 10), plain, (784,), 10, 8192, 32, True),
    "W2": (lambda: layers(784, 512, 256, 10), plain, (784,), 10, 8192, 128, True),
    "W3": (lambda: [weights(3, 3, 1, 16), weights(3, 3, 16, 32)] + layers(32 * 49, 128, 10), w3, (28, 28, 1), 10, 2048, 32, True),
    "W4": (lambda: [weights(3, 3, i, o) for i, o in ((3, 32), (32, 32), (32, 64), (64, 64))] + layers(64 * 64, 128, 10),
           w4, (32, 32, 3), 10, 512, 8, False),
    "W5": (lambda: layers(10, 16, 2), plain, (10,), 2, 32768, 8, True),
    "W6": (lambda: [block_weights(), block_weights(), scale(), weights(64, 10)], w6, (64, 64), 10, 512, 16, True),
}
INFER = {"infer1": 1, "infer256": 256}
MANY = 16  # steps of one call, where it has several


def update(adam, p, g, m, v, t):
    if not adam:
        return jax.tree.map(lambda p, g: p - LR * g, p, g), m, v
    m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, g)
    v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, g)
    a, b = 1 - 0.9**t, 1 - 0.999**t
    return jax.tree.map(lambda p, m, v: p - LR * (m / a) / (jnp.sqrt(v / b) + 1e-8), p, m, v), m, v


def train(name, way):
    """A generator that takes one step each time or MANY, and yields the loss."""
    make, model, shape, classes, rows, batch, adam = WORKS[name]
    x = jnp.asarray(R.normal(size=(rows, *shape)), jnp.float32)
    y = jnp.asarray(R.integers(classes, size=rows))
    key = jax.random.key(0)

    def loss(p, xb, yb, t):
        z = model(p, xb, jax.random.fold_in(key, t.astype(int)))
        return -jnp.take_along_axis(jax.nn.log_softmax(z), yb[:, None], 1).mean()

    def step(x, y, state, rows_now):
        p, m, v, t = state
        t = t + 1
        l, g = jax.value_and_grad(loss)(p, x[rows_now], y[rows_now], t)
        return (*update(adam, p, g, m, v, t), t), l

    many = MANY if way == "scan" else 1
    if many > 1:
        whole = jax.jit(lambda x, y, state, idx: lax.scan(lambda s, i: step(x, y, s, i), state, idx), donate_argnums=2)
    else:
        whole = jax.jit(step, donate_argnums=2)
    p = make()
    state = (p, jax.tree.map(jnp.zeros_like, p), jax.tree.map(jnp.zeros_like, p), jnp.zeros(()))
    while True:
        order = R.permutation(rows).astype(np.int32)
        for at in range(0, rows, batch * many):
            idx = order[at : at + batch * many]
            state, l = whole(x, y, state, idx.reshape(many, batch) if many > 1 else idx)
            yield l.ravel()[-1] if many > 1 else l


def infer(name, way):
    make, model = WORKS["W3"][:2]
    p, x = make(), jnp.asarray(R.normal(size=(INFER[name], 28, 28, 1)), jnp.float32)
    predict = jax.jit(lambda p, x: model(p, x, None))
    while True:
        y = predict(p, x)
        y.block_until_ready()
        yield y


def begin(name, way):
    run = (infer if name in INFER else train)(name, way)
    for _ in range(4):
        value = next(run)
    value.block_until_ready()
    return run


def rate(run, seconds, each):
    """Calls may be in flight: what counts is what has ended when the time is up."""
    count, start = 0, time.perf_counter()
    read = start
    while True:
        value = next(run)
        count += each
        now = time.perf_counter()
        if now - read > READ_EVERY or now - start > seconds or count % (256 * each) == 0:
            value.block_until_ready()
            read = now = time.perf_counter()
        if now - start > seconds:
            return count / (now - start)


def main():
    print(json.dumps({"name": "JAX " + jax.__version__}), flush=True)
    known, runs = None, {}
    for line in sys.stdin:
        question = json.loads(line)
        name, way = question["work"], question.get("way")
        if way is None:
            answer = {"ways": ["step", "scan"] if name in WORKS else ["jit"] if name in INFER else []}
        else:
            if known != name:
                known, runs = name, {}
            if way not in runs:
                runs[way] = begin(name, way)
            answer = {"rate": rate(runs[way], question["seconds"], MANY if way == "scan" else 1)}
        print(json.dumps(answer), flush=True)


main()
