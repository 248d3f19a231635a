"""Trajectories of PyTorch's optimizers, written to trajectories.json.

    python3 reference.py        (PyTorch 2.2.2 wrote the file that is kept)

Two parameters take 100 steps. The gradient of element i at step t is
0.5 p + sin(0.1 t (i + 1)), so that an error in one step shows in all later
ones. Weight decay applies to the first parameter only.
"""
import json
import math
import os

import torch

CASES = {
    "sgd plain": ("sgd", dict(lr=0.05)),
    "sgd default lr": ("sgd", dict()),
    "sgd momentum": ("sgd", dict(lr=0.02, momentum=0.9)),
    "sgd nesterov": ("sgd", dict(lr=0.02, momentum=0.8, nesterov=1)),
    "sgd decay": ("sgd", dict(lr=0.05, weight_decay=0.1)),
    "sgd nesterov decay": ("sgd", dict(lr=0.02, momentum=0.9, nesterov=1, weight_decay=0.05)),
    "adam default": ("adam", dict()),
    "adam": ("adam", dict(lr=0.02, beta1=0.8, beta2=0.95, eps=1e-6)),
    "adam decay": ("adam", dict(lr=0.05, weight_decay=0.1)),
    "adam without beta1": ("adam", dict(lr=0.01, beta1=0.0)),
}
KEEP = (1, 2, 3, 10, 50, 100)


def make(name, settings, first, second):
    s = dict(settings)
    groups = [dict(params=[first], weight_decay=s.pop("weight_decay", 0.0)), dict(params=[second], weight_decay=0.0)]
    if name == "sgd":
        s["nesterov"] = bool(s.pop("nesterov", 0))
        return torch.optim.SGD(groups, **({"lr": 0.01} | s))
    betas = (s.pop("beta1", 0.9), s.pop("beta2", 0.999))
    return torch.optim.Adam(groups, betas=betas, **s)


def run(name, settings):
    first = torch.tensor([[0.5, -1.0, 0.25], [2.0, 0.0, -0.75]], requires_grad=True)
    second = torch.tensor([1.5, -0.5], requires_grad=True)
    optimizer = make(name, settings, first, second)
    steps = {}
    for t in range(1, 101):
        i = 0
        for p in (first, second):
            extra = [math.sin(0.1 * t * (i + k + 1)) for k in range(p.numel())]
            i += p.numel()
            p.grad = 0.5 * p.detach() + torch.tensor(extra).reshape(p.shape)
        optimizer.step()
        if t in KEEP:
            steps[t] = [p.detach().flatten().tolist() for p in (first, second)]
    return steps


result = [dict(case=case, name=name, settings=settings, steps=run(name, settings))
          for case, (name, settings) in CASES.items()]
with open(os.path.join(os.path.dirname(__file__), "trajectories.json"), "w") as f:
    json.dump(result, f, indent=1)
