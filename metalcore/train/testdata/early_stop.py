"""When Keras's EarlyStopping ends a training, written to early_stop.json.

    python3 early_stop.py        (Keras 3.15.1 wrote the file that is kept)

Each case has the settings, the numbers of the epochs, the epoch after which
training ended (the last, if it did not end early), and the epoch whose weights
came back; epochs are counted from 1.
"""
import json
import os
import random

os.environ.setdefault("KERAS_BACKEND", "jax")
from keras.callbacks import EarlyStopping


class Model:
    """Its weights are the number of the epoch."""

    stop_training = False
    epoch = 0

    def get_weights(self):
        return self.epoch

    def set_weights(self, weights):
        self.restored = weights


def run(numbers, larger, **settings):
    model, stop = Model(), EarlyStopping(monitor="x", mode="max" if larger else "min", restore_best_weights=True, **settings)
    stop.set_model(model)
    stop.on_train_begin()
    for i, x in enumerate(numbers):
        model.epoch = i + 1
        stop.on_epoch_end(i, {"x": x})
        if model.stop_training:
            break
    stop.on_train_end()
    return model.epoch, getattr(model, "restored", 0)


random.seed(1)
cases = []
for n in range(60):
    larger = n % 2 == 1
    numbers = [round(random.random() * 0.4 + (i if larger else 12 - i) ** 0.5 * 0.1, 2) for i in range(12)]
    if n % 5 == 0:
        numbers[6:] = [numbers[6]] * 6
    settings = dict(patience=random.choice([0, 1, 2, 3, 5]), min_delta=random.choice([0, 0, 0.053, 0.207]),
                    start_from_epoch=random.choice([0, 0, 3, 12]), baseline=random.choice([None, None, 0.404]))
    ended, best = run(numbers, larger, **settings)
    cases.append(dict(settings, larger=larger, numbers=numbers, ended=ended, best=best))

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "early_stop.json"), "w") as f:
    f.write("[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]\n")
