"""Steps of PyTorch's LBFGS with its strong Wolfe line search, to lbfgs.json.

    python3 lbfgs.py        (PyTorch 2.15.0 wrote the file that is kept)

In float64, so that all the way to the minimum can be compared; with a
history of one and short first steps only eight, because there rounding grows a
thousandfold in a step. Kept are the
point after each step, and how often loss and gradient were evaluated so far.
"""
import json
import os

import torch

torch.set_default_dtype(torch.float64)


def rosenbrock(p):
    return (1 - p[0]) ** 2 + 100 * (p[1] - p[0] ** 2) ** 2


def convex(p):
    """A sum of log cosh over eight lines, and a small square."""
    i = torch.arange(1.0, 9.0)
    z = torch.sin(i[:, None] * torch.arange(1.0, 6.0)) @ p - torch.cos(i)
    return torch.log(torch.cosh(z)).sum() + 0.05 * (p * p).sum()


def run(f, first, steps, **settings):
    p = torch.tensor(first, requires_grad=True)
    optimizer = torch.optim.LBFGS([p], line_search_fn="strong_wolfe", **settings)

    def closure():
        optimizer.zero_grad()
        l = f(p)
        l.backward()
        return l

    out = []
    for _ in range(steps):
        optimizer.step(closure)
        out.append(dict(evaluations=optimizer.state[p]["func_evals"], x=[float("%.12g" % x) for x in p.tolist()]))
    return dict(first=first, steps=out)


valley, slope = [-1.2, 1.0], [2.0, -1.0, 0.5, 3.0, -2.0]
result = [
    dict(problem="rosenbrock", settings={}, **run(rosenbrock, valley, 4, history_size=10)),
    dict(problem="rosenbrock", settings=dict(iterations=1, evaluations=25, history=2), **run(rosenbrock, valley, 40, max_iter=1, max_eval=25, history_size=2)),
    dict(problem="rosenbrock", settings=dict(lr=0.01, iterations=3, evaluations=30, history=1), **run(rosenbrock, valley, 8, lr=0.01, max_iter=3, max_eval=30, history_size=1)),
    dict(problem="rosenbrock", settings=dict(lr=50, iterations=4, evaluations=7, history=5), **run(rosenbrock, [-3.0, -4.0], 25, lr=50, max_iter=4, max_eval=7, history_size=5)),
    dict(problem="convex", settings={}, **run(convex, slope, 3, history_size=10)),
    dict(problem="convex", settings=dict(iterations=2, history=3, tolerance_grad=1e-3), **run(convex, slope, 10, max_iter=2, history_size=3, tolerance_grad=1e-3)),
    dict(problem="convex", settings=dict(iterations=5, tolerance_change=1e-3), **run(convex, slope, 4, max_iter=5, history_size=10, tolerance_change=1e-3)),
]
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "lbfgs.json"), "w") as f:
    f.write("[\n" + ",\n".join(json.dumps(r) for r in result) + "\n]\n")
