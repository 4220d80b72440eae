"""Probability distributions under PyTorch's names: samples, densities, entropies, divergences.

One distribution per file, under the file names of PyTorch. The package is imported when first used
(`autograd.distributions`), so that importing the library stays cheap.
"""

from . import constraints as constraints
from .bernoulli import Bernoulli as Bernoulli
from .beta import Beta as Beta
from .binomial import Binomial as Binomial
from .categorical import Categorical as Categorical
from .cauchy import Cauchy as Cauchy
from .chi2 import Chi2 as Chi2
from .dirichlet import Dirichlet as Dirichlet
from .distribution import Distribution as Distribution
from .exponential import Exponential as Exponential
from .gamma import Gamma as Gamma
from .geometric import Geometric as Geometric
from .gumbel import Gumbel as Gumbel
from .independent import Independent as Independent
from .laplace import Laplace as Laplace
from .multivariate_normal import MultivariateNormal as MultivariateNormal
from .normal import Normal as Normal
from .one_hot_categorical import (
    OneHotCategorical as OneHotCategorical,
    OneHotCategoricalStraightThrough as OneHotCategoricalStraightThrough,
)
from .poisson import Poisson as Poisson
from .studentT import StudentT as StudentT
from .uniform import Uniform as Uniform
