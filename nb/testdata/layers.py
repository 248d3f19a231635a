# Writes layers.json: for each layer its input, parameters, result and gradients
# in PyTorch. Images are [B,H,W,C] and kernels [H,W,C,O] there as in package nb.
# Needs torch; run it in this folder.
import json, math
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(7)
torch.set_default_dtype(torch.float64)
cases = []


def flat(t):
    return {"Shape": list(t.shape), "Data": [float(f"{x:.7g}") for x in t.detach().reshape(-1).tolist()]}


def rand(*shape):
    return (torch.randn(*shape) * 0.8).float().double()


def case(name, x, f, params=None, states=None, eval=False, after=None):
    """f(x, params) -> y; the loss is the sum of y times random weights."""
    params = {k: v.float().double().requires_grad_(True) for k, v in (params or {}).items()}
    real = x.is_floating_point()
    x = x.clone().requires_grad_(real)
    y = f(x, params)
    w = rand(*y.shape)
    (y * w).sum().backward()
    c = {"Name": name, "X": flat(x.double()), "Weights": flat(w), "Y": flat(y), "Eval": eval,
         "Params": {k: flat(v) for k, v in params.items()},
         "Grads": {k: flat(v.grad) for k, v in params.items()},
         "States": {k: flat(v.float().double()) for k, v in (states or {}).items()},
         "After": {k: flat(v) for k, v in (after() if after else {}).items()}}
    if real:
        c["GradX"] = flat(x.grad)
    cases.append(c)


def nchw(x):
    return x.permute(0, 3, 1, 2)


def nhwc(x):
    return x.permute(0, 2, 3, 1)


def oihw(k):  # [H,W,I,O]
    return k.permute(3, 2, 0, 1)


case("dense", rand(3, 4), lambda x, p: x @ p["weight"] + p["bias"], {"weight": rand(4, 5), "bias": rand(5)})
case("dense of sequences", rand(2, 3, 4), lambda x, p: x @ p["weight"], {"weight": rand(4, 2)})


def conv(stride=1, padding=0, dilation=1, groups=1):
    return lambda x, p: nhwc(F.conv2d(nchw(x), oihw(p["kernel"]), p.get("bias"), stride, padding, dilation, groups))


case("conv2d", rand(2, 5, 6, 2), conv(), {"kernel": rand(3, 3, 2, 3), "bias": rand(3)})
case("conv2d pad", rand(1, 5, 6, 2), conv((2, 1), (1, 2), (1, 2)), {"kernel": rand(2, 3, 2, 3), "bias": rand(3)})
case("conv2d groups", rand(2, 4, 5, 4), conv(groups=2), {"kernel": rand(2, 2, 2, 6), "bias": rand(6)})
case("depthwise", rand(2, 4, 5, 3), conv(padding=1, groups=3), {"kernel": rand(3, 3, 1, 3), "bias": rand(3)})
case("conv1d", rand(2, 7, 3), lambda x, p: F.conv1d(F.pad(x.permute(0, 2, 1), (2, 0)), p["kernel"][0].permute(2, 1, 0), p["bias"], 1, 0, 1).permute(0, 2, 1),
     {"kernel": rand(1, 3, 3, 4), "bias": rand(4)})


def convT(stride, padding=0, output_padding=0, dilation=1, groups=1):
    # kernel [H,W,filters/groups,channels]
    return lambda x, p: nhwc(F.conv_transpose2d(nchw(x), p["kernel"].permute(3, 2, 0, 1), p.get("bias"), stride, padding, output_padding, groups, dilation))


case("conv transpose", rand(2, 3, 4, 2), convT(2), {"kernel": rand(3, 3, 4, 2), "bias": rand(4)})
case("conv transpose pad", rand(1, 3, 4, 2), convT((2, 1), (1, 1), 0, (1, 2)), {"kernel": rand(3, 2, 3, 2), "bias": rand(3)})
case("conv transpose groups", rand(1, 3, 3, 4), convT(2, groups=2), {"kernel": rand(2, 2, 3, 4)})

case("maxpool", rand(2, 5, 6, 2), lambda x, p: nhwc(F.max_pool2d(nchw(x), (3, 2), (2, 1), (1, 1))))
case("avgpool", rand(2, 5, 6, 2), lambda x, p: nhwc(F.avg_pool2d(nchw(x), (3, 2), (2, 1), (1, 1), count_include_pad=False)))
case("avgpool count pad", rand(2, 5, 6, 2), lambda x, p: nhwc(F.avg_pool2d(nchw(x), (3, 2), (2, 1), (1, 1))))
case("global avgpool", rand(2, 3, 4, 2), lambda x, p: x.mean((1, 2)))
case("global maxpool", rand(2, 3, 4, 2), lambda x, p: x.amax((1, 2)))
case("upsample", rand(2, 2, 3, 2), lambda x, p: nhwc(F.interpolate(nchw(x), scale_factor=2, mode="nearest")))


def batch_norm(name, x, training, momentum=0.1, eps=1e-5):
    c = x.shape[-1]
    mean, var = rand(c).float().double(), (rand(c).abs() + 0.5).float().double()
    state = {"mean": mean.clone(), "variance": var.clone()}

    def f(x, p):
        dims = [0, x.dim() - 1] + list(range(1, x.dim() - 1))
        back = [0] + list(range(2, x.dim())) + [1]
        y = F.batch_norm(x.permute(*dims), mean, var, p["scale"], p["bias"], training, momentum, eps)
        return y.permute(*back)

    case(name, x, f, {"scale": rand(c), "bias": rand(c)}, state, not training,
         lambda: {"mean": mean, "variance": var})


batch_norm("batch norm", rand(6, 3), True)
batch_norm("batch norm of images", rand(2, 3, 4, 2), True)
batch_norm("batch norm momentum", rand(5, 2), True, 0.3, 1e-3)
batch_norm("batch norm eval", rand(2, 3, 4, 2), False)
case("layer norm", rand(2, 3, 5), lambda x, p: F.layer_norm(x, (5,), p["scale"], p["bias"]), {"scale": rand(5), "bias": rand(5)})
case("group norm", rand(2, 3, 4, 6), lambda x, p: nhwc(F.group_norm(nchw(x), 3, p["scale"], p["bias"])), {"scale": rand(6), "bias": rand(6)})
case("group norm of rows", rand(3, 6), lambda x, p: F.group_norm(x, 2, p["scale"], p["bias"]), {"scale": rand(6), "bias": rand(6)})
case("rms norm", rand(2, 3, 5), lambda x, p: x / (x.square().mean(-1, keepdim=True) + 1e-6).sqrt() * p["scale"], {"scale": rand(5)})

wide = torch.cat([rand(3, 7), torch.tensor([[-30., -6., -3.5, 0., 3.5, 6., 30.]])])
for name, f in {
    "leaky relu": lambda x, p: F.leaky_relu(x, 0.1), "elu": lambda x, p: F.elu(x, 1.5), "selu": lambda x, p: F.selu(x),
    "celu": lambda x, p: F.celu(x, 0.7), "gelu": lambda x, p: F.gelu(x), "gelu tanh": lambda x, p: F.gelu(x, approximate="tanh"),
    "hard sigmoid": lambda x, p: F.hardsigmoid(x), "silu": lambda x, p: F.silu(x), "hard swish": lambda x, p: F.hardswish(x),
    "mish": lambda x, p: F.mish(x), "softplus": lambda x, p: F.softplus(x, threshold=100), "log softmax": lambda x, p: F.log_softmax(x, -1),
    "softmax": lambda x, p: F.softmax(x, -1), "relu": lambda x, p: F.relu(x), "sigmoid": lambda x, p: torch.sigmoid(x), "tanh": lambda x, p: torch.tanh(x),
}.items():
    case(name, wide, f)
case("prelu", rand(2, 3, 3, 4), lambda x, p: nhwc(F.prelu(nchw(x), p["slope"])), {"slope": rand(4)})

case("embedding", torch.tensor([[1, 4, 0], [2, 1, 1]]), lambda x, p: F.embedding(x, p["table"]), {"table": rand(5, 3)})


def attention(heads, causal=False, padded=False, self_only=True):
    def f(x, p):
        d, names = x.shape[-1], ["query", "key", "value"]
        m = nn.MultiheadAttention(d, heads, batch_first=True)
        w = torch.cat([p[n + "_weight"].T for n in names])
        b = torch.cat([p[n + "_bias"] for n in names])
        xt = x.transpose(0, 1)
        mask = torch.triu(torch.ones(x.shape[1], x.shape[1], dtype=torch.bool), 1) if causal else None
        pad = torch.zeros(x.shape[0], x.shape[1], dtype=torch.bool)
        pad[:, -1] = padded
        y, _ = F.multi_head_attention_forward(xt, xt, xt, d, heads, w, b, None, None, False, 0.0, p["output_weight"].T, p["output_bias"],
                                              training=True, key_padding_mask=pad, need_weights=False, attn_mask=mask)
        return y.transpose(0, 1)
    return f


def attention_params(d):
    return {n + k: (rand(d, d) if k == "_weight" else rand(d)) for n in ["query", "key", "value", "output"] for k in ["_weight", "_bias"]}


case("attention", rand(2, 3, 4), attention(2), attention_params(4))
case("attention causal", rand(2, 3, 6), attention(3, causal=True), attention_params(6))
case("attention mask", rand(2, 3, 4), attention(1, padded=True), attention_params(4))


def positions(x, p):
    t, d = x.shape[1:]
    at = torch.arange(t)[:, None] / 10000 ** (torch.arange(0, d, 2) / d)
    pe = torch.zeros(t, d)
    pe[:, 0::2], pe[:, 1::2] = at.sin(), at.cos()
    return x + pe


case("positions", rand(2, 5, 4), positions)
case("learned positions", rand(2, 5, 4), lambda x, p: x + p["table"], {"table": rand(5, 4)})


def recurrent(kind, sequences, reverse=False):
    def f(x, p):
        h, d = p["recurrent_weight"].shape[0], x.shape[-1]
        b = [p["bias"], p.get("recurrent_bias", torch.zeros_like(p["bias"]))]
        w = [p["weight"].T, p["recurrent_weight"].T] + b
        zero = torch.zeros(1, x.shape[0], h)
        if reverse:
            x = x.flip(1)
        if kind == "lstm":
            y = torch._VF.lstm(x, (zero, zero), w, True, 1, 0.0, True, False, True)[0]
        else:
            y = torch._VF.gru(x, zero, w, True, 1, 0.0, True, False, True)[0]
        if reverse:
            y = y.flip(1)
        return y if sequences else y[:, 0 if reverse else -1]
    return f


case("lstm", rand(2, 4, 3), recurrent("lstm", False), {"weight": rand(3, 20), "recurrent_weight": rand(5, 20), "bias": rand(20)})
case("lstm sequences", rand(2, 3, 2), recurrent("lstm", True, True), {"weight": rand(2, 12), "recurrent_weight": rand(3, 12), "bias": rand(12)})
gru = {"weight": rand(3, 12), "recurrent_weight": rand(4, 12), "bias": rand(12), "recurrent_bias": rand(12)}
case("gru", rand(2, 4, 3), recurrent("gru", False), gru)
case("gru sequences", rand(2, 4, 3), recurrent("gru", True), gru)
case("shapes", rand(2, 4, 6), lambda x, p: torch.cat([F.pad(x.permute(0, 2, 1)[:, 1:5], (1, 2), value=0.5), x.new_ones(2, 4, 1)] +
                                                     [s.permute(0, 2, 1).repeat(1, 2, 1) for s in x.split(2, 2)][:1], 2))

with open("layers.json", "w") as f:
    json.dump(cases, f, separators=(",", ":"))
print(len(cases), "cases")
