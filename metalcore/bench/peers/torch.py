"""The workloads of `metalnb bench` in eager PyTorch, on the CPU.

Usage: torch.py THREADS. Says who it is, then answers questions, all in JSON, one a line:
  {"work": "W1"}                                        {"ways": [...]}    in which it can be run
  {"work": "W1", "way": "foreach", "seconds": 0.4}      {"rate": 1700.5}   calls a second: training steps, or predictions
"""

import json
import sys
import time

sys.path.pop(0)  # this folder, where this file is a module named torch

try:
    import torch
except ImportError as e:
    print(json.dumps({"missing": str(e)}), flush=True)
    sys.exit()
from torch import nn
from torch.nn import functional as F

LR = 1e-4
READ_EVERY = 0.2  # seconds between looks at the loss


def mlp(*sizes):
    layers = []
    for i, o in zip(sizes, sizes[1:]):
        layers += [nn.Linear(i, o), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def conv(i, o, stride=1):
    return [nn.Conv2d(i, o, 3, stride, 1), nn.ReLU()]


def w3():
    return nn.Sequential(*conv(1, 16), nn.MaxPool2d(2), *conv(16, 32), nn.MaxPool2d(2), nn.Flatten(), mlp(32 * 7 * 7, 128, 10))


def w4():
    return nn.Sequential(*conv(3, 32), *conv(32, 32, 2), *conv(32, 64), *conv(64, 64, 2), nn.Flatten(),
                         nn.Linear(64 * 8 * 8, 128), nn.ReLU(), nn.Dropout(0.5), nn.Linear(128, 10))


class Block(nn.Module):
    def __init__(self, d, fused):
        super().__init__()
        self.fused = fused
        self.norm1, self.norm2 = nn.LayerNorm(d), nn.LayerNorm(d)
        self.q, self.k, self.v, self.o = (nn.Linear(d, d) for _ in range(4))
        self.mlp = mlp(d, 4 * d, d)

    def forward(self, x):
        h = self.norm1(x)
        q, k, v = self.q(h), self.k(h), self.v(h)
        if self.fused:
            h = F.scaled_dot_product_attention(q, k, v)
        else:
            h = torch.softmax(q @ k.transpose(1, 2) * q.shape[-1] ** -0.5, -1) @ v
        x = x + self.o(h)
        return x + self.mlp(self.norm2(x))


class Transformer(nn.Module):
    def __init__(self, fused=False):
        super().__init__()
        self.body = nn.Sequential(Block(64, fused), Block(64, fused), nn.LayerNorm(64))
        self.head = nn.Linear(64, 10)

    def forward(self, x):
        return self.head(self.body(x).mean(1))


# name: model, shape of a row, classes, rows, batch, optimizer
WORKS = {
    "W1": (lambda: mlp(784, 128, 10), (784,), 10, 8192, 32, torch.optim.Adam),
    "W2": (lambda: mlp(784, 512, 256, 10), (784,), 10, 8192, 128, torch.optim.Adam),
    "W3": (w3, (28, 28, 1), 10, 2048, 32, torch.optim.Adam),
    "W4": (w4, (32, 32, 3), 10, 512, 8, torch.optim.SGD),
    "W5": (lambda: mlp(10, 16, 2), (10,), 2, 32768, 8, torch.optim.Adam),
    "W6": (Transformer, (64, 64), 10, 512, 16, torch.optim.Adam),
}
INFER = {"infer1": 1, "infer256": 256}  # of W3: rows of a call
LAST = "channels last"


def train(name, way):
    """A generator that takes a step each time, and yields its loss."""
    make, shape, classes, rows, batch, optimizer = WORKS[name]
    model = Transformer(True) if "attention" in way else make()
    if LAST in way:
        model = model.to(memory_format=torch.channels_last)
    opt = optimizer(model.parameters(), lr=LR, **{w: True for w in ("foreach", "fused") if w in way})
    x, y = torch.randn(rows, *shape), torch.randint(classes, (rows,))
    if len(shape) == 3 and LAST not in way:
        x = x.permute(0, 3, 1, 2).contiguous()
    while True:
        order = torch.randperm(rows)
        for at in range(0, rows, batch):
            rows_now = order[at : at + batch]
            xb = x.index_select(0, rows_now)
            if LAST in way:
                xb = xb.permute(0, 3, 1, 2)  # in memory the channels stay last
            loss = F.cross_entropy(model(xb), y.index_select(0, rows_now))
            opt.zero_grad(set_to_none=True)
            loss.backward()
            opt.step()
            yield loss


def infer(name, way):
    """A generator that predicts each time."""
    model, x = w3().eval(), torch.randn(INFER[name], 1, 28, 28)
    if LAST in way:
        model, x = model.to(memory_format=torch.channels_last), x.contiguous(memory_format=torch.channels_last)
    with torch.no_grad():
        if "jit" in way:
            model = torch.jit.optimize_for_inference(torch.jit.trace(model, x))
    while True:
        with torch.inference_mode():
            y = model(x)
        yield y[0, 0]


def begin(name, way):
    return (infer if name in INFER else train)(name, way)


def warm(run):
    """The first calls are slow: some, but not for long."""
    start = time.perf_counter()
    for _ in range(20):
        next(run).item()
        if time.perf_counter() - start > 0.2:
            break


def ways(name):
    """All combinations that work here."""
    if name in INFER:
        all_ways = [a + b for a in ("eager", "jit") for b in ("", ", " + LAST)]
    else:
        all_ways = ["loop", "foreach", "fused"]
        if name in ("W3", "W4"):
            all_ways += [w + ", " + LAST for w in all_ways]
        if name == "W6" and hasattr(F, "scaled_dot_product_attention"):
            all_ways += [w + ", attention" for w in all_ways]
    good = []
    for way in all_ways:
        try:
            next(begin(name, way))
            good.append(way)
        except (RuntimeError, TypeError):
            pass  # this version has no such optimizer for the CPU
    return good


def rate(run, seconds):
    count, start = 0, time.perf_counter()
    read = start
    while True:
        value = next(run)
        count += 1
        now = time.perf_counter()
        if now - read > READ_EVERY:
            read = now
            value.item()
        if now - start > seconds:
            return count / (now - start)


def main():
    torch.set_num_threads(int(sys.argv[1]))
    torch.set_flush_denormal(True)
    torch.manual_seed(0)
    print(json.dumps({"name": "PyTorch " + torch.__version__}), flush=True)
    known, runs = None, {}
    for line in sys.stdin:
        question = json.loads(line)
        name, way = question["work"], question.get("way")
        if way is None:
            answer = {"ways": ways(name) if name in WORKS or name in INFER else []}
        else:
            if known != name:
                known, runs = name, {}
            if way not in runs:
                runs[way] = begin(name, way)
                warm(runs[way])
            answer = {"rate": rate(runs[way], question["seconds"])}
        print(json.dumps(answer), flush=True)


main()
