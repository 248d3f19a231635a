# Writes autocast.json: the losses of 30 steps of a small MLP in f32 and under
# PyTorch's autocast to bfloat16 on the CPU, with f32 parameters, which the mixed
# precision of package train is held against.
# Run: python3 autocast.py > autocast.json
import json
import torch

torch.manual_seed(5)
x = torch.randn(48, 6)
labels = (x[:, 0] * x[:, 1] > 0).long() + (x[:, 2] > 0.5).long()
first = {"dense_1.kernel": torch.randn(6, 24) * 0.5, "dense_1.bias": torch.randn(24) * 0.1,
         "dense_2.kernel": torch.randn(24, 3) * 0.3, "dense_2.bias": torch.zeros(3)}


def losses(low):
    p = {k: v.clone().requires_grad_() for k, v in first.items()}
    opt = torch.optim.SGD(p.values(), lr=0.2, momentum=0.9)
    out = []
    for _ in range(30):
        bias = {k: p[k].to(torch.bfloat16) if low else p[k] for k in ("dense_1.bias", "dense_2.bias")}
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=low):
            h = torch.relu(x @ p["dense_1.kernel"] + bias["dense_1.bias"])
            y = h @ p["dense_2.kernel"] + bias["dense_2.bias"]
        assert y.dtype == (torch.bfloat16 if low else torch.float32)
        loss = torch.nn.functional.cross_entropy(y.float(), labels)
        opt.zero_grad()
        loss.backward()
        opt.step()
        out.append(loss.item())
    return out


print(json.dumps({"x": x.flatten().tolist(), "labels": labels.tolist(),
                  "weights": {k: v.flatten().tolist() for k, v in first.items()},
                  "losses": {"float32": losses(False), "mixed_bfloat16": losses(True)}}))
