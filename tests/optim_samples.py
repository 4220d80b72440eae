"""Optimizers to run a test over, and parameters with gradients for them."""

import numpy as np

import autograd
from optim import (
    ASGD,
    SGD,
    Adadelta,
    Adafactor,
    Adagrad,
    Adam,
    Adamax,
    AdamW,
    Lion,
    NAdam,
    RAdam,
    RMSprop,
    Rprop,
)

OPTIMIZERS = [
    lambda params: SGD(params, lr=0.1, momentum=0.9),
    lambda params: Adam(params, lr=0.1, amsgrad=True),
    lambda params: AdamW(params, lr=0.1),
    lambda params: RMSprop(params, lr=0.1, centered=True, momentum=0.5, eps=0.1),
    lambda params: Adagrad(params, lr=0.1),
    lambda params: Adadelta(params, lr=0.1),
    lambda params: Adamax(params, lr=0.1),
    lambda params: NAdam(params, lr=0.1),
    lambda params: RAdam(params, lr=0.1, betas=(0.9, 0.9)),
    lambda params: Rprop(params, lr=0.1),
    lambda params: ASGD(params, lr=0.1, t0=3),
    lambda params: Adafactor(params, lr=0.1),
    lambda params: Lion(params, lr=0.1, weight_decay=0.1),
]


def parameter(values, dtype=np.float64):
    return autograd.tensor(np.asarray(values, dtype), requires_grad=True)


def give(p, g):
    p.grad = autograd.tensor(np.array(g, p.dtype))


def gradients(shape, steps=12, seed=0):
    return np.random.default_rng(seed).standard_normal((steps, *shape))
