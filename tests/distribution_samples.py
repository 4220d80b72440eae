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
    ("Laplace", {"loc": [0.5, -1.0], "scale": [1.0, 2.5]}, [[0.3, -2.0], [4.0, 0.0]]),
    ("Cauchy", {"loc": [0.5, -1.0], "scale": [1.0, 2.5]}, [[0.3, -2.0], [4.0, 0.0]]),
    ("Gumbel", {"loc": [0.5, -1.0], "scale": [1.0, 2.5]}, [[0.3, -2.0], [4.0, 0.0]]),
    ("StudentT", {"df": [0.7, 1.5, 5.0], "loc": 0.5, "scale": 2.0}, [0.3, -2.0, 4.0]),
    ("StudentT", {"df": [3.0, 10.0], "loc": [0.5, 0.0], "scale": [2.0, 0.5]}, [[0.3, -2.0]]),
    ("Exponential", {"rate": [0.5, 3.0]}, [[0.3, 2.0], [0.1, 0.01]]),
    ("Gamma", {"concentration": [0.3, 1.5, 8.0], "rate": [2.0, 0.5, 1.0]}, [0.2, 2.0, 5.0]),
    ("Chi2", {"df": [0.5, 3.0]}, [[0.3, 2.0], [0.1, 9.0]]),
    (
        "Beta",
        {"concentration1": [0.5, 2.0, 0.3, 4.0], "concentration0": [0.7, 3.0, 2.0, 0.5]},
        [0.1, 0.4, 0.7, 0.9],
    ),
    ("Beta", {"concentration1": 2.0, "concentration0": 3.0}, [0.1, 0.4]),
    (
        "Dirichlet",
        {"concentration": [[0.5, 2.0, 3.0], [1.5, 1.5, 4.0]]},
        [[0.2, 0.3, 0.5], [0.1, 0.1, 0.8]],
    ),
    ("Poisson", {"rate": [0.5, 3.7, 20.0]}, [[0.0, 3.0, 25.0], [1.0, 0.0, 15.0]]),
    ("Binomial", {"total_count": 5, "probs": [0.3, 0.9]}, [[0.0, 5.0], [3.0, 2.0]]),
    ("Binomial", {"total_count": [3.0, 12.0], "logits": [0.3, -2.0]}, [[0.0, 5.0], [3.0, 2.0]]),
    ("Geometric", {"probs": [0.3, 0.9]}, [[0.0, 1.0], [4.0, 0.0]]),
    ("Geometric", {"logits": [0.3, -2.0]}, [[0.0, 1.0], [4.0, 0.0]]),
    ("OneHotCategorical", {"probs": [[0.1, 0.2, 0.7], [2.0, 3.0, 4.0]]}, [[0.0, 0.0, 1.0]]),
    ("OneHotCategorical", {"logits": [0.3, -1.0, 2.0]}, [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]),
    ("OneHotCategoricalStraightThrough", {"logits": [0.3, -1.0, 2.0]}, [0.0, 1.0, 0.0]),
    ("LogNormal", {"loc": [0.5, -1.0], "scale": [1.0, 0.5]}, [[0.3, 2.0], [4.0, 0.1]]),
    ("HalfNormal", {"scale": [1.0, 2.5]}, [[0.3, 2.0], [4.0, 0.1]]),
    ("HalfCauchy", {"scale": [1.0, 2.5]}, [[0.3, 2.0], [4.0, 0.1]]),
    ("Multinomial", {"total_count": 4, "probs": [[0.1, 0.2, 0.7], [2.0, 3.0, 4.0]]}, [0, 1, 3]),
    ("Multinomial", {"total_count": 4, "logits": [0.3, -1.0, 2.0]}, [[0.0, 1.0, 3.0]]),
    ("NegativeBinomial", {"total_count": [3.0, 0.5], "probs": [0.3, 0.9]}, [[0.0, 1.0]]),
    ("NegativeBinomial", {"total_count": 3.0, "logits": [0.3, -1.0]}, [[0.0, 1.0], [4.0, 2.0]]),
    ("Pareto", {"scale": [1.0, 0.5], "alpha": [0.7, 3.0]}, [[1.5, 2.0], [3.0, 0.6]]),
    ("Weibull", {"scale": [1.0, 0.5], "concentration": [1.7, 3.0]}, [[1.5, 2.0], [3.0, 0.6]]),
    ("InverseGamma", {"concentration": [0.5, 1.7, 3.0], "rate": 2.0}, [1.5, 2.0, 0.3]),
    ("RelaxedBernoulli", {"temperature": [0.5], "probs": [0.3, 0.9]}, [[0.2, 0.9]]),
    ("RelaxedBernoulli", {"temperature": [2.0], "logits": [0.3, 2.0]}, [[0.2, 0.9]]),
    (
        "RelaxedOneHotCategorical",
        {"temperature": [0.5], "logits": [[0.3, -1.0, 2.0], [0.0, 0.0, 1.0]]},
        [0.2, 0.3, 0.5],
    ),
    (
        "MultivariateNormal",
        {"loc": [1.0, -0.5], "covariance_matrix": [[2.0, 0.6], [0.6, 1.0]]},
        [[0.3, -2.0], [4.0, 0.0]],
    ),
    (
        "MultivariateNormal",
        {"loc": [[1.0, -0.5], [0.0, 2.0]], "precision_matrix": [[2.0, 0.6], [0.6, 1.0]]},
        [[0.3, -2.0], [4.0, 0.0]],
    ),
    (
        "MultivariateNormal",
        {"loc": [1.0, -0.5], "scale_tril": [[[2.0, 0.0], [0.6, 1.0]], [[1.0, 0.0], [3.0, 0.5]]]},
        [[[0.3, -2.0]], [[4.0, 0.0]]],
    ),
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
