"""Training with accumulated gradients with PyTorch, written to accumulate.json.

    python3 accumulate.py

A small MLP with batch norm, 22 rows of different weights in order, three batches
of four a step: so the second and last step of an epoch has batches of four, four
and two. The loss of a step is divided by the weight of all its rows; the penalty
counts once; gradients are clipped when all are summed; an average of the weights
is moved once a step. Kept are the first weights, and after each epoch weights,
running statistics, averages and the epoch's mean loss.
"""
import json
import os

import torch

torch.manual_seed(11)
X = torch.randn(22, 4)
Y = torch.randint(0, 3, (22,))
W = torch.randint(0, 4, (22,)).float() / 2


def run(make, clip, l2, ema):
    torch.manual_seed(2)
    first, second = torch.nn.Linear(4, 6, bias=False), torch.nn.Linear(6, 3)
    norm = torch.nn.BatchNorm1d(6, affine=False)
    params = [first.weight, second.weight, second.bias]
    optimizer = make(params)
    flat = lambda p: (p.t() if p.dim() == 2 else p).detach().flatten().tolist()
    averages = [p.detach().clone() for p in params]
    start, epochs = [flat(p) for p in params], []
    for _ in range(4):
        total = 0.0
        for at in range(0, 22, 12):
            end = min(at + 12, 22)
            weight = W[at:end].sum()
            optimizer.zero_grad()
            for part in range(at, end, 4):
                rows = slice(part, min(part + 4, end))
                out = second(torch.relu(norm(first(X[rows]))))
                loss = (torch.nn.functional.cross_entropy(out, Y[rows], reduction="none") * W[rows]).sum()
                (loss / weight).backward()
                total += loss.item()
            (l2 * (first.weight.square().sum() + second.weight.square().sum())).backward()
            if clip:
                torch.nn.utils.clip_grad_norm_(params, clip)
            optimizer.step()
            for a, p in zip(averages, params):
                a.mul_(ema).add_(p.detach(), alpha=1 - ema)
        epochs.append(dict(loss=total / W.sum().item(), weights=[flat(p) for p in params], averages=[flat(a) for a in averages],
                           mean=norm.running_mean.tolist(), variance=norm.running_var.tolist()))
    return dict(first=start, epochs=epochs)


result = dict(
    x=X.flatten().tolist(), y=Y.tolist(), w=W.tolist(),
    sgd=run(lambda p: torch.optim.SGD(p, lr=0.2, momentum=0.9), 0.3, 0.01, 0.75),
    adam=run(lambda p: torch.optim.Adam(p, lr=0.02), 0, 0.002, 0.9),
)
with open(os.path.join(os.path.dirname(__file__), "accumulate.json"), "w") as f:
    json.dump(result, f, indent=1)
