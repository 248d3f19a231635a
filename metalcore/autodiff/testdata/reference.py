"""Writes reference.json: results and gradients of some ops as JAX computes them.

    pip install jax && python reference.py > reference.json

The loss of each case is the sum of result * weights.
"""
import json

import jax
import jax.numpy as jnp
import numpy as np

jax.config.update("jax_enable_x64", True)
rng = np.random.default_rng(7)


def array(x):
    x = np.asarray(x)
    return {"shape": list(x.shape), "data": [float(f"{v:.12g}") for v in x.ravel()]}


def random(*shape):
    return np.round(rng.normal(size=shape), 3)


def distinct(*shape):
    n = int(np.prod(shape))
    return (rng.permutation(n).reshape(shape) - n / 2) / 8


def case(op, f, inputs, labels=None, **attrs):
    inputs = [jnp.asarray(x) for x in inputs]
    y = f(*inputs)
    weights = random(*y.shape)
    grads = jax.grad(lambda *xs: (f(*xs) * weights).sum(), argnums=tuple(range(len(inputs))))(*inputs)
    out = {"op": op, "attrs": attrs, "inputs": [array(x) for x in inputs], "weights": array(weights),
           "result": array(y), "grads": [array(g) for g in grads]}
    if labels is not None:
        out["labels"] = array(labels)
    return out


def conv(x, k, stride, pad, dilation):
    def f(x, k):
        return jax.lax.conv_general_dilated(x, k, stride, [pad[:2], pad[2:]], rhs_dilation=dilation,
                                            dimension_numbers=("NHWC", "HWIO", "NHWC"))
    return case("conv2d", f, [x, k], stride=stride, pad=pad, dilation=dilation)


def pool(x, window, stride, pad):
    def f(x):
        return jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (1, *window, 1), (1, *stride, 1),
                                     ((0, 0), pad[:2], pad[2:], (0, 0)))
    return case("maxpool2d", f, [x], window=window, stride=stride, pad=pad)


def matmul(a, b, ta, tb):
    def f(a, b):
        return (jnp.swapaxes(a, -1, -2) if ta else a) @ (jnp.swapaxes(b, -1, -2) if tb else b)
    return case("matmul", f, [a, b], ta=ta, tb=tb)


def cross_entropy(logits, labels):
    def f(x):
        return -jax.nn.log_softmax(x)[jnp.arange(len(labels)), labels]
    return case("softmax_cross_entropy", f, [logits], labels)


cases = [
    conv(random(2, 5, 4, 2), random(3, 2, 2, 3), [1, 1], [0, 0, 0, 0], [1, 1]),
    conv(random(1, 6, 5, 1), random(3, 3, 1, 2), [2, 1], [1, 2, 0, 1], [1, 1]),
    conv(random(2, 6, 7, 2), random(2, 3, 2, 2), [1, 2], [1, 0, 2, 1], [2, 2]),
    pool(distinct(2, 4, 6, 2), [2, 2], [2, 2], [0, 0, 0, 0]),
    pool(distinct(1, 5, 5, 2), [3, 2], [2, 1], [1, 1, 0, 1]),
    matmul(random(3, 4), random(4, 2), False, False),
    matmul(random(4, 3), random(2, 4), True, True),
    matmul(random(2, 3, 4), random(4, 2), False, False),
    matmul(random(2, 2, 4, 3), random(2, 2, 4, 2), True, False),
    cross_entropy(random(4, 5), [0, 4, 2, 2]),
    cross_entropy(random(2, 3) + np.array([[1000.0], [-1000.0]]), [1, 2]),
    case("softmax", lambda x: jax.nn.softmax(x, axis=-1), [random(3, 4)]),
    case("log_softmax", lambda x: jax.nn.log_softmax(x, axis=-1), [random(3, 4) * 30]),
]
print("[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]")
