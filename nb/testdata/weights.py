"""A file of weights as PyTorch writes it, and what its model makes of a picture.

    python3 weights.py        (PyTorch 2.15.0 and safetensors wrote the files that are kept)
"""
import json
import os

import torch
from safetensors.torch import save_file

here = os.path.dirname(os.path.abspath(__file__))
torch.manual_seed(1)


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(2, 3, 3)
        self.norm = torch.nn.BatchNorm2d(3)
        self.seq = torch.nn.Conv1d(3, 4, 2)
        self.head = torch.nn.Linear(4, 5)

    def forward(self, x):
        h = torch.relu(self.norm(self.conv(x))).mean(2)  # [B, 3, width]
        return self.head(self.seq(h).mean(2))


net = Net().eval()
for p in [*net.norm.parameters(), net.norm.running_mean, net.norm.running_var]:
    torch.nn.init.uniform_(p, 0.5, 1.5)
net.head.bias.data = net.head.bias.data.half().float()  # exact in 16 bits
state = {k: v.contiguous() for k, v in net.state_dict().items()}
state["head.bias"] = state["head.bias"].half()
state["conv.bias"] = state["conv.bias"].double()
save_file(state, os.path.join(here, "weights.safetensors"))
x = torch.rand(1, 2, 6, 7)
with open(os.path.join(here, "weights.json"), "w") as f:
    json.dump({"x": x.permute(0, 2, 3, 1).flatten().tolist(), "y": net(x).flatten().tolist()}, f)
