"""Probability distributions under PyTorch's names: samples, densities, entropies, divergences.

One distribution per file. Imported when first used (`autograd.distributions`), so that importing
the library stays cheap.
"""

from . import constraints as constraints
from .bernoulli import Bernoulli as Bernoulli
from .categorical import Categorical as Categorical
from .distribution import Distribution as Distribution
from .normal import Normal as Normal
from .uniform import Uniform as Uniform
