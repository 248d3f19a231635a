"""Training of a small MLP with PyTorch, written to mlp.json.

    python3 reference.py        (PyTorch 2.2.2 wrote the file that is kept)

Ten rows in batches of four, in order, so the last batch of an epoch has two.
Kept are the first weights, those after each epoch, and the epoch's means of
loss and accuracy over its rows, each row with the weights of its step.
"""
import json
import os

import torch

torch.manual_seed(7)
X = torch.randn(10, 4)
Y = torch.tensor([0, 1, 2, 2, 1, 0, 1, 0, 2, 1])


def run(make):
    torch.manual_seed(1)
    k1, k2 = torch.randn(4, 8) * 0.7, torch.randn(8, 3) * 0.5
    b1, b2 = torch.full((8,), 0.05), torch.zeros(3)
    params = [p.requires_grad_() for p in (k1, b1, k2, b2)]
    optimizer = make(params)
    keep = lambda: [p.detach().flatten().tolist() for p in params]
    first, epochs = keep(), []
    for _ in range(3):
        loss_sum = hits = 0.0
        for at in range(0, 10, 4):
            x, y = X[at:at + 4], Y[at:at + 4]
            out = torch.relu(x @ k1 + b1) @ k2 + b2
            loss = torch.nn.functional.cross_entropy(out, y)
            optimizer.zero_grad()
            loss.backward()
            loss_sum += loss.item() * len(y)
            hits += (out.argmax(1) == y).sum().item()
            optimizer.step()
        epochs.append(dict(loss=loss_sum / 10, accuracy=hits / 10, weights=keep()))
    return dict(first=first, epochs=epochs)


result = dict(
    x=X.flatten().tolist(), y=Y.tolist(),
    sgd=run(lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9)),
    adam=run(lambda p: torch.optim.Adam(p, lr=0.01)),
)
with open(os.path.join(os.path.dirname(__file__), "mlp.json"), "w") as f:
    json.dump(result, f, indent=1)
