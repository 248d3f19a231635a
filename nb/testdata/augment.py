"""Writes augment.json: what the layers that change images make of one batch, by
NumPy and SciPy.

    python3 augment.py        (NumPy 2.4 and SciPy 1.17 wrote the file that is kept)

Images are [B,H,W,C]. A rotation is counterclockwise, interpolates bilinearly and
finds zeros outside: map_coordinates of order 1 in the mode grid-constant."""
import json
import os

import numpy as np
from scipy.ndimage import map_coordinates

rng = np.random.default_rng(5)
B, H, W, C = 5, 6, 7, 2
x = rng.normal(size=(B, H, W, C)).astype("f4")
u = np.array([0.1, 0.49, 0.5, 0.9, 0.0])
dy, dx = np.array([0, 2, -2, 1, -1]), np.array([0, -2, 1, 2, 0])
angle = np.array([0, 0.3, -0.7, np.pi / 2, np.pi])
cy, cx = np.array([0, 5, 2, 3, 4]), np.array([0, 6, 3, 2, 0])

flip = np.where(u[:, None, None, None] < 0.5, x[:, :, ::-1], x)
padded = np.pad(x, ((0, 0), (2, 2), (2, 2), (0, 0)))
crop = np.stack([padded[i, 2 + dy[i]:2 + dy[i] + H, 2 + dx[i]:2 + dx[i] + W] for i in range(B)])


def turn(image, a):
    r, c = np.mgrid[0:H, 0:W].astype(float)
    r, c = r - (H - 1) / 2, c - (W - 1) / 2
    at = [r * np.cos(a) - c * np.sin(a) + (H - 1) / 2, r * np.sin(a) + c * np.cos(a) + (W - 1) / 2]
    return np.stack([map_coordinates(image[..., k], at, order=1, mode="grid-constant") for k in range(C)], -1)


def cutout(size):
    out = x.copy()
    for i in range(B):
        top, left = cy[i] - size // 2, cx[i] - size // 2
        out[i, max(top, 0):max(top + size, 0), max(left, 0):max(left + size, 0)] = 0
    return out


mean, std = np.array([0.5, -1.0]), np.array([2.0, 0.25])
results = {"flip": flip, "crop": crop, "rotate": np.stack([turn(x[i], angle[i]) for i in range(B)]),
           "cutout3": cutout(3), "cutout4": cutout(4), "normalize": (x - mean) / std}
out = {k: [float("%.7g" % v) for v in np.asarray(a).ravel()] for k, a in
       {"x": x, "u": u, "dy": dy, "dx": dx, "angle": angle, "cy": cy, "cx": cx, **results}.items()}
with open(os.path.join(os.path.dirname(__file__), "augment.json"), "w") as f:
    json.dump(out, f, separators=(",", ":"))
