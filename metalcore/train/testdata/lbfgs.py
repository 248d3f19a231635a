"""Steps of PyTorch's LBFGS with its strong Wolfe line search, to lbfgs.json.

    python3 lbfgs.py        (PyTorch 2.15.0 wrote the file that is kept)

In float32, as metalnb computes, and only as far as rounding has not grown to
1e-4; ../../optim/testdata/lbfgs.py goes all the way to the minimum in float64.
Three problems: a convex one (multinomial logistic regression with an L2
penalty), Rosenbrock's valley as a sum of two squares, and a small MLP. Kept are
the loss at the beginning of each step, the weights after it, and how often loss
and gradient were evaluated so far.
"""
import json
import os

import torch

torch.manual_seed(7)
ROWS = 24


def numbers(t):
    return [float("%.9g" % x) for x in t.detach().flatten().tolist()]


x = torch.randn(ROWS, 4)
y = (x @ torch.randn(4, 3) + torch.randn(ROWS, 3)).argmax(1)


def logistic():
    w = torch.zeros(4, 3, requires_grad=True)
    b = torch.zeros(3, requires_grad=True)

    def loss():
        return torch.nn.functional.cross_entropy(x @ w + b, y) + 0.01 * (w * w).sum()

    return [w, b], loss


def rosenbrock():
    p = torch.tensor([-1.2, 1.0], requires_grad=True)

    def loss():
        a, b = p[0], p[1]
        return ((1 - a) ** 2 + (10 * (b - a * a)) ** 2) / 2

    return [p], loss


def mlp():
    g = torch.Generator().manual_seed(3)
    first = [torch.randn(4, 6, generator=g) * 0.6, torch.zeros(6), torch.randn(6, 3, generator=g) * 0.5, torch.zeros(3)]
    p = [t.requires_grad_() for t in first]

    def loss():
        h = torch.tanh(x @ p[0] + p[1])
        return torch.nn.functional.cross_entropy(h @ p[2] + p[3], y)

    return p, loss


def run(problem, steps, **settings):
    params, loss = problem()
    optimizer = torch.optim.LBFGS(params, line_search_fn="strong_wolfe", **settings)
    first = [numbers(p) for p in params]
    out = []

    def closure():
        optimizer.zero_grad()
        l = loss()
        l.backward()
        return l

    for _ in range(steps):
        begin = optimizer.step(closure).item()
        evals = optimizer.state[params[0]]["func_evals"]
        out.append(dict(loss=begin, evaluations=evals, weights=[numbers(p) for p in params]))
    return dict(first=first, steps=out)


result = dict(x=numbers(x), y=y.tolist(), runs=[
    dict(problem="logistic", settings=dict(iterations=8), **run(logistic, 1, max_iter=8, history_size=10)),
    dict(problem="logistic", settings=dict(iterations=3, history=2), **run(logistic, 3, max_iter=3, history_size=2)),
    dict(problem="logistic", settings=dict(lr=0.1, iterations=2, evaluations=20), **run(logistic, 5, lr=0.1, max_iter=2, max_eval=20, history_size=10)),
    dict(problem="rosenbrock", settings=dict(iterations=5), **run(rosenbrock, 3, max_iter=5, history_size=10)),
    dict(problem="rosenbrock", settings=dict(iterations=1, history=1, evaluations=9), **run(rosenbrock, 7, max_iter=1, max_eval=9, history_size=1)),
    dict(problem="mlp", settings=dict(iterations=4), **run(mlp, 5, max_iter=4, history_size=10)),
    dict(problem="mlp", settings={}, **run(mlp, 1, history_size=10)),
])
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "lbfgs.json"), "w") as f:
    json.dump(result, f)
    f.write("\n")
