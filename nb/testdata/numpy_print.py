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
names = {"float32": "f32", "float16": "f16", "int32": "i32", "int64": "i64", "uint8": "u8", "bool": "bool"}
print(json.dumps([
    {"shape": list(a.shape), "dtype": names[a.dtype.name],
     "values": [repr(float(x)) for x in np.asarray(a).ravel()], "text": str(a)} for a in arrays], indent=0))
