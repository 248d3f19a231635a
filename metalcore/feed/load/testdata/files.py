"""Writes the files that the readers are held against, by NumPy, Pillow and
PyArrow: python3 files.py. What is in them is said in load_test.go."""
import gzip
import struct

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

# Arrays: element i of [2,3,4] is i, for all types, orders and byte orders.
arrays = {}
for t in ["f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"]:
    for order in "<>":
        for layout in "CF":
            a = np.arange(24).reshape(2, 3, 4).astype(order + t)
            arrays[f"{t}_{'big' if order == '>' else 'little'}_{layout}"] = np.asarray(a, order=layout)
arrays["bool"] = np.arange(24).reshape(2, 3, 4) % 2 == 1
np.savez_compressed("arrays.npz", **arrays)
np.save("x.npy", np.arange(12, dtype="f8").reshape(4, 3) / 2)
np.save("y.npy", np.array([0, 2, 1, 2]))
np.save("objects.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)

# MNIST's format: 5 images of 3 x 2, pixel i of all is i.
with gzip.GzipFile("images.idx.gz", "wb", mtime=0) as f:
    f.write(struct.pack(">4B3I", 0, 0, 8, 3, 5, 3, 2) + bytes(range(30)))
with open("labels.idx", "wb") as f:
    f.write(struct.pack(">4BI", 0, 0, 8, 1, 5) + bytes([0, 1, 2, 1, 0]))

# A table with each kind of column, and something missing.
table = pa.table({
    "small": pa.array([1, 2, 3, 4], pa.int8()),
    "large": pa.array([10, 20, None, 40], pa.int64()),
    "half": pa.array([0.5, 1.5, 2.5, 3.5], pa.float64()),
    "yes": pa.array([True, False, True, True]),
    "city": pa.array(["Rome", "Oslo", "Rome", "Bern"]),
    "kind": pa.array(["b", "a", "b", "c"]).dictionary_encode(),
})
for codec in ["none", "snappy", "gzip", "zstd", "lz4"]:
    pq.write_table(table, f"table_{codec}.parquet", compression=codec)
pq.write_table(pa.table({"a": [[1], [2]], "y": [0, 1]}), "nested.parquet")

# A picture that Pillow has scaled with its bicubic filter, too.
y, x = np.mgrid[0:48, 0:64]
rgb = np.stack([x * 4, y * 5, 128 + 60 * np.sin(x / 9) * np.cos(y / 7)], -1).astype("u1")
img = Image.fromarray(rgb)
img.save("picture.png")
img.convert("L").save("grey.png")
for h, w in [(12, 16), (31, 20), (96, 128)]:
    img.resize((w, h), Image.BICUBIC).save(f"picture_{h}x{w}.png")
