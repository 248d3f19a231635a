"""Trajectories of PyTorch's optimizers, written to trajectories.json.

    python3 reference.py        (PyTorch 2.15.0 wrote the file that is kept)

Two parameters take 100 steps. The gradient of element i at step t is
0.5 p + sin(0.1 t (i + 1)), so that an error in one step shows in all later
ones. Weight decay applies to the first parameter only. PyTorch has no Lion: it
is computed here from the formulas of its paper.
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
    "sgd dampening": ("sgd", dict(lr=0.02, momentum=0.9, dampening=0.3, weight_decay=0.05)),
    "adam amsgrad": ("adam", dict(lr=0.02, beta1=0.8, beta2=0.9, amsgrad=1, weight_decay=0.05)),
    "adamw default": ("adamw", dict()),
    "adamw": ("adamw", dict(lr=0.03, beta2=0.99, weight_decay=0.2)),
    "adamw amsgrad": ("adamw", dict(lr=0.03, beta2=0.9, weight_decay=0.1, amsgrad=1)),
    "nadam default": ("nadam", dict()),
    "nadam": ("nadam", dict(lr=0.03, beta1=0.8, beta2=0.95, eps=1e-6, momentum_decay=0.02, weight_decay=0.1)),
    "radam default": ("radam", dict()),
    "radam": ("radam", dict(lr=0.03, beta1=0.8, beta2=0.95, eps=1e-6, weight_decay=0.1)),
    "rmsprop default": ("rmsprop", dict()),
    "rmsprop": ("rmsprop", dict(lr=0.02, alpha=0.9, eps=1e-6, momentum=0.8, weight_decay=0.1)),
    "rmsprop centered": ("rmsprop", dict(lr=0.02, alpha=0.95, eps=1e-4, centered=1)),
    "adagrad default": ("adagrad", dict()),
    "adagrad": ("adagrad", dict(lr=0.1, lr_decay=0.02, initial=0.5, eps=1e-6, weight_decay=0.1)),
    "adadelta default": ("adadelta", dict()),
    "adadelta": ("adadelta", dict(lr=0.5, rho=0.8, eps=1e-4, weight_decay=0.1)),
    "lion default": ("lion", dict()),
    "lion": ("lion", dict(lr=0.01, beta1=0.8, beta2=0.95, weight_decay=0.1)),
    "clip value": ("sgd", dict(lr=0.05, momentum=0.5, clip_value=0.6)),
    "clip norm": ("adam", dict(lr=0.05, clip_norm=0.8)),
    "clip both": ("rmsprop", dict(lr=0.05, clip_value=0.7, clip_norm=1.1)),
}
KEEP = (1, 2, 3, 6, 10, 50, 100)


class Lion:
    def __init__(self, groups, lr=1e-4, betas=(0.9, 0.99)):
        self.lr, self.betas, self.groups = lr, betas, groups
        self.state = {g["params"][0]: [g["params"][0].detach().clone(), 0.0] for g in groups}

    def step(self):
        b1, b2 = self.betas
        for group in self.groups:
            p = group["params"][0]
            (x, m), g = self.state[p], p.grad
            x = x - self.lr * (torch.sign(b1 * m + (1 - b1) * g) + group["weight_decay"] * x)
            self.state[p] = [x, b2 * m + (1 - b2) * g]
            p.data.copy_(x)


CLASSES = {
    "sgd": torch.optim.SGD, "adam": torch.optim.Adam, "adamw": torch.optim.AdamW, "nadam": torch.optim.NAdam,
    "radam": torch.optim.RAdam, "rmsprop": torch.optim.RMSprop, "adagrad": torch.optim.Adagrad,
    "adadelta": torch.optim.Adadelta, "lion": Lion,
}
FLAGS = ("nesterov", "amsgrad", "centered")


def make(name, settings, first, second):
    s = {k: bool(v) if k in FLAGS else v for k, v in settings.items() if not k.startswith("clip_")}
    decay = s.pop("weight_decay", 0.01 if name == "adamw" else 0.0)
    if "beta1" in s or "beta2" in s:
        s["betas"] = (s.pop("beta1", 0.9), s.pop("beta2", 0.999))
    if "initial" in s:
        s["initial_accumulator_value"] = s.pop("initial")
    groups = [dict(params=[first], weight_decay=decay), dict(params=[second], weight_decay=0.0)]
    return CLASSES[name](groups, **({"lr": 0.01} if name == "sgd" else {}) | s)


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
        if "clip_value" in settings:
            torch.nn.utils.clip_grad_value_([first, second], settings["clip_value"])
        if "clip_norm" in settings:
            torch.nn.utils.clip_grad_norm_([first, second], settings["clip_norm"])
        optimizer.step()
        if t in KEEP:
            steps[t] = [[float("%.9g" % x) for x in p.detach().flatten().tolist()] for p in (first, second)]
    return steps


result = [dict(case=case, name=name, settings=settings, steps=run(name, settings))
          for case, (name, settings) in CASES.items()]
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "trajectories.json"), "w") as f:
    f.write("[\n" + ",\n".join(json.dumps(r) for r in result) + "\n]\n")
