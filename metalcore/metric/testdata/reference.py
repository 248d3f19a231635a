"""Metrics as scikit-learn has them, written to metrics.json.

    python3 reference.py        (scikit-learn 1.9.1 wrote the file that is kept)

The outputs have few different values, so that there are ties.
"""
import json
import os

import numpy as np
from sklearn import metrics as m

rng = np.random.default_rng(3)


def text(x):
    return [float("%.9g" % v) for v in np.asarray(x, float).ravel()]


def averages(truth, guess, labels):
    out = {}
    for average in ("macro", "micro", "weighted"):
        end = "" if average == "macro" else "_" + average
        p, r, f, _ = m.precision_recall_fscore_support(truth, guess, labels=labels, average=average, zero_division=0)
        out |= {"precision" + end: p, "recall" + end: r, "f1" + end: f}
    cells = m.multilabel_confusion_matrix(truth, guess, labels=labels)
    tn, fp, fn, tp = cells[:, 0, 0], cells[:, 0, 1], cells[:, 1, 0], cells[:, 1, 1]
    share = lambda a, b: np.where(a + b > 0, a / np.maximum(a + b, 1), 0)
    spec, npv, support = share(tn, fp), share(tn, fn), (tp + fn)
    for name, each, a, b in (("specificity", spec, tn, fp), ("npv", npv, tn, fn)):
        out |= {name: each.mean(), name + "_micro": a.sum() / (a + b).sum(), name + "_weighted": (each * support).sum() / support.sum()}
    return out


# Ten classes of which one never occurs and one is never guessed.
rows, classes = 300, 10
labels = rng.integers(0, classes - 1, rows)
x = np.round(rng.normal(size=(rows, classes)) + 1.5 * np.eye(classes)[labels] - 9 * (np.arange(classes) == 4), 1)
guess = x.argmax(1)
e = np.exp(x - x.max(1, keepdims=True))
nll = -np.log(e / e.sum(1, keepdims=True))[np.arange(rows), labels]
values = averages(labels, guess, range(classes)) | {"accuracy": m.accuracy_score(labels, guess), "perplexity": np.exp(nll.mean()), "loss": nll.mean()}
order = np.argsort(-x, axis=1, kind="stable")
for k in (1, 2, 5):
    values[f"top{k}"] = np.mean([labels[i] in order[i, :k] for i in range(rows)])
many = dict(loss="cross_entropy", shape=[rows, classes], x=text(x), labels=labels.tolist(), values=values,
            matrix=m.confusion_matrix(labels, guess, labels=range(classes)).ravel().tolist(),
            report=m.classification_report(labels, guess, labels=range(classes), target_names=[f"class {i}" for i in range(classes)], zero_division=0))

# Two classes, one output.
rows = 200
labels = (rng.random(rows) < 0.3).astype(int)
x = np.round(rng.normal(size=rows) + 1.2 * labels - 0.3, 1)
guess = (x > 0).astype(int)
p, r, f, _ = m.precision_recall_fscore_support(labels, guess, average="binary")
tn, fp, fn, tp = m.confusion_matrix(labels, guess).ravel()
values = {"accuracy": m.accuracy_score(labels, guess), "precision": p, "recall": r, "f1": f, "specificity": tn / (tn + fp), "npv": tn / (tn + fn),
          "f1_weighted": m.f1_score(labels, guess, average="weighted"), "loss": m.log_loss(labels, 1 / (1 + np.exp(-x)))}
fpr, tpr, at = m.roc_curve(labels, x, drop_intermediate=False)
pre, rec, _ = m.precision_recall_curve(labels, x)
two = dict(loss="bce_logits", shape=[rows], x=text(x), labels=labels.tolist(), values=values, matrix=[int(v) for v in (tn, fp, fn, tp)],
           fpr=text(fpr), tpr=text(tpr), thresholds=text(at[1:]), precision=text(pre), recall=text(rec),
           roc=m.roc_auc_score(labels, x), ap=m.average_precision_score(labels, x))

# Three numbers a row, far from 0 and of different spread.
y = rng.normal(size=(150, 3)) * [1, 10, 0.5] + [1000, -50, 3]
x = y + rng.normal(size=y.shape) * [0.3, 8, 0.5]
y, x = y.astype(np.float32), x.astype(np.float32)
y64, x64 = y.astype(float), x.astype(float)
values = {"mae": m.mean_absolute_error(y64, x64), "mse": m.mean_squared_error(y64, x64), "loss": m.mean_squared_error(y64, x64),
          "rmse": np.sqrt(m.mean_squared_error(y64, x64)), "r2": m.r2_score(y64, x64), "mape": m.mean_absolute_percentage_error(y64, x64)}
three = dict(loss="mse", shape=list(y.shape), x=text(x), y=text(y), values=values)

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "metrics.json"), "w") as f:
    f.write("[\n" + ",\n".join(json.dumps(c, default=float) for c in (many, two, three)) + "\n]\n")
