"""Distributions to run a test over: their parameters and values to evaluate them at."""

from __future__ import annotations

import numpy as np

# name, parameters, values: arrays and numbers, so that either library can make tensors of them.
SAMPLES = [
    ("Normal", {"loc": [0.5, -1.0], "scale": [1.0, 2.5]}, [[0.3, -2.0], [4.0, 0.0]]),
    ("Normal", {"loc": 0.5, "scale": 2.0}, [-1.0, 3.0]),
    ("Bernoulli", {"probs": [0.3, 0.9, 0.5]}, [[1.0, 0.0, 1.0], [0.0, 1.0, 0.0]]),
    ("Bernoulli", {"logits": [-2.0, 0.3, 30.0]}, [[1.0, 0.0, 1.0], [0.0, 1.0, 1.0]]),
    ("Categorical", {"probs": [[0.1, 0.2, 0.7], [2.0, 3.0, 4.0]]}, [[0, 2], [1, 1]]),
    ("Categorical", {"logits": [0.3, -1.0, 2.0, 0.0]}, [0, 3, 2]),
    ("Uniform", {"low": [-1.0, 2.0], "high": [3.0, 2.5]}, [[0.0, 2.25], [2.5, 2.1]]),
]
IDS = [f"{name}-{'-'.join(given)}-{i}" for i, (name, given, _) in enumerate(SAMPLES)]


def made(library, tensor, name, given, requires_grad=False, **options):
    """The distribution in `library`, and its parameters as tensors (numbers stay numbers)."""
    parameters = {
        key: tensor(np.asarray(value)).requires_grad_(requires_grad)
        if isinstance(value, list)
        else value
        for key, value in given.items()
    }
    return getattr(library, name)(**parameters, **options), parameters
