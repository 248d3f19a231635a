"""Learning rates of torch.optim.lr_scheduler, written to rates.json.

    python3 reference.py        (PyTorch 2.15.0 wrote the file that is kept)

Each list holds the rates of steps 0, 1, 2 ... with an epoch of one step; for
"plateau" there is one number measured after each.
"""
import json
import os
import warnings

import torch
from torch.optim import lr_scheduler as S

warnings.filterwarnings("ignore")
BASE, STEPS = 0.4, 40
NUMBERS = [5, 4, 3, 3, 2.99999, 3, 3.1, 2.5, 2.5, 2.5, 2.5, 2.5, 2.5, 2.5, 2.4, 2.4, 2.4, 2.4, 2.4, 2.4, 2.4, 2.4, 2.4, 1, 1, 1] + [1.0] * 14


def warm(o, inner, steps, start):
    return S.SequentialLR(o, [S.LinearLR(o, start, 1.0, steps), inner(o)], [steps])


CASES = [
    ("step", dict(epochs=7, factor=0.3), lambda o: S.StepLR(o, 7, 0.3)),
    ("exponential", dict(factor=0.9), lambda o: S.ExponentialLR(o, 0.9)),
    ("cosine", dict(epochs=40, min=0.01), lambda o: S.CosineAnnealingLR(o, 40, 0.01)),
    ("cosine", dict(steps=8, restart=1), lambda o: S.CosineAnnealingWarmRestarts(o, 8)),
    ("cosine", dict(epochs=5, restart=1, grow=2, min=0.02), lambda o: S.CosineAnnealingWarmRestarts(o, 5, 2, 0.02)),
    ("one_cycle", dict(steps=40), lambda o: S.OneCycleLR(o, BASE, total_steps=40, cycle_momentum=False)),
    ("one_cycle", dict(epochs=40, rise=0.1, div=10, final_div=100),
     lambda o: S.OneCycleLR(o, BASE, total_steps=40, pct_start=0.1, div_factor=10, final_div_factor=100, cycle_momentum=False)),
    ("polynomial", dict(epochs=30), lambda o: S.PolynomialLR(o, 30)),
    ("polynomial", dict(steps=25, power=2), lambda o: S.PolynomialLR(o, 25, 2)),
    ("constant", dict(warmup_steps=10, warmup_start=0.1), lambda o: S.LinearLR(o, 0.1, 1.0, 10)),
    ("cosine", dict(epochs=35, warmup_epochs=5, warmup_start=0.2), lambda o: warm(o, lambda o: S.CosineAnnealingLR(o, 35), 5, 0.2)),
    ("step", dict(epochs=10, warmup_steps=4, warmup_start=0.25), lambda o: warm(o, lambda o: S.StepLR(o, 10, 0.1), 4, 0.25)),
    ("plateau", dict(patience=2, factor=0.5), lambda o: S.ReduceLROnPlateau(o, patience=2, factor=0.5)),
    ("plateau", dict(patience=1, factor=0.5, cooldown=3, threshold=0.1, min=0.02),
     lambda o: S.ReduceLROnPlateau(o, patience=1, factor=0.5, cooldown=3, threshold=0.1, min_lr=0.02)),
    ("plateau larger", dict(patience=3), lambda o: S.ReduceLROnPlateau(o, mode="max", patience=3)),
]


def rates(make):
    o = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=BASE)
    s = make(o)
    out = []
    for n in range(STEPS):
        out.append(float("%.12g" % o.param_groups[0]["lr"]))
        o.step()
        if isinstance(s, S.ReduceLROnPlateau):
            s.step(-NUMBERS[n] + 6 if s.mode == "max" else NUMBERS[n])
        elif n + 1 < STEPS:
            s.step()
    return out


result = [dict(name=name.split()[0], larger="larger" in name, settings=settings, rates=rates(make)) for name, settings, make in CASES]
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "rates.json"), "w") as f:
    f.write(json.dumps(dict(base=BASE, numbers=NUMBERS, cases="CASES")).replace('"CASES"', "[\n" + ",\n".join(json.dumps(r) for r in result) + "\n]") + "\n")
