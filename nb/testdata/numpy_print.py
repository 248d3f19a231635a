# Writes numpy_print.json: arrays as NumPy prints them, which the tests of
# formatArray are held against. Run: python3 numpy_print.py > numpy_print.json
import json
import numpy as np

rng = np.random.default_rng(3)
arrays = [
    np.float32(3), np.int32(-7), np.zeros(3, np.float32), np.zeros((0,), np.float32),
    np.array([1, 2.5, 3.125], np.float32), np.array([-1, 0.1, 1 / 3], np.float32),
    np.array([[1, 2], [3, 4]], np.float32), np.arange(12, dtype=np.int32).reshape(2, 2, 3),
    np.array([1e-9, 1], np.float32), np.array([1e10, 2.5e10], np.float32), np.array([1e8, 1], np.float32),
    np.array([np.nan, np.inf, -np.inf, 1.5], np.float32), np.array([123456.789, 0.001], np.float32),
    np.array([[0.25, -100], [12.5, 7]], np.float32), np.array([-5, 10, 100000], np.int32),
    np.arange(40, dtype=np.int32), np.arange(30, dtype=np.float32) / 8, np.arange(1200, dtype=np.int32),
    (np.arange(1600, dtype=np.float32) / 4).reshape(40, 40), np.arange(2000, dtype=np.int32).reshape(10, 10, 20),
    rng.standard_normal((3, 4)).astype(np.float32), rng.random((2, 10)).astype(np.float32),
    (rng.random(5) * 1e-6).astype(np.float32), np.array([0.1, 0.01, 0.001, 1e-4], np.float32),
    np.array([16777216, 0.5], np.float32), np.ones((1, 1, 1), np.float32), np.array([999.5, 1], np.float32),
    np.float16(1 / 3), np.array([1 / 3, 2.5, -0.1], np.float16), np.array([65504, 1e-4, 1], np.float16),
    np.array([np.inf, 0.001, 1000], np.float16), np.bool_(True), np.array([[True, False], [False, False]]), np.array([True, True]),
    np.array([0, 255, 7], np.uint8), np.array([-(1 << 40), 5], np.int64), np.int64(1 << 40),
]
# numbers at the edges of what is written how, and arrays of all kinds
f = np.float32
for x in [0, -0.0, 1e-4, 9.9e-5, 1e6, 999999.9, 12345678, 1e16, np.nan, np.inf, -np.inf, 3.4e38, 1e-45, 1 / 3]:
    arrays += [f(x), np.array([x], f), np.array([x, 1], f)]
for shape in [(0, 3), (2, 0), (3,), (1, 4), (2, 3), (2, 2, 2)]:
    a = rng.standard_normal(shape)
    few = np.where(rng.random(shape) < 0.4, rng.choice([np.nan, np.inf, -np.inf], shape), a)
    arrays += [few.astype(f), np.round(a, 2).astype(f), np.exp(a * 6).astype(f), (a * 1e6).astype(f), np.round(few).astype(f),
               (a * 1000).astype(np.int32), a > 0, a.astype(np.float16)]
arrays += [np.full((2, 2), np.nan, f), np.full(2, np.inf, f), np.array([[2**31 - 1], [-2**31]], np.int32), np.ones((1, 1001), np.int32),
           np.arange(1001, dtype=f), (rng.random((40, 40)) < 0.5), rng.standard_normal((3, 30)).astype(f) * f(1e-7)]
names = {"float32": "f32", "float16": "f16", "int32": "i32", "int64": "i64", "uint8": "u8", "bool": "bool"}
print(json.dumps([
    {"shape": list(a.shape), "dtype": names[a.dtype.name],
     "values": [repr(float(x)) for x in np.asarray(a).ravel()], "text": str(a)} for a in arrays], separators=(",", ":")))
