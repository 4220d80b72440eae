"""Optimizers to run a test over, and parameters with gradients for them."""

import numpy as np

import autograd
from optim import SGD, Adadelta, Adagrad, Adam, Adamax, AdamW, NAdam, RAdam, RMSprop

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
]


def parameter(values, dtype=np.float64):
    return autograd.tensor(np.asarray(values, dtype), requires_grad=True)


def give(p, g):
    p.grad = autograd.tensor(np.array(g, p.dtype))


def gradients(shape, steps=12, seed=0):
    return np.random.default_rng(seed).standard_normal((steps, *shape))
