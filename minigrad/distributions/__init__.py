"""`minigrad.distributions`: probability distributions with `sample`, `rsample`, `log_prob`, `entropy`."""

from minigrad.distributions import constraint_registry, constraints, transforms, utils
from minigrad.distributions import kl_mixed as _kl_mixed  # registers its rules
from minigrad.distributions.constraint_registry import biject_to, transform_to
from minigrad.distributions.continuous import Cauchy, Exponential, Laplace, Normal, Uniform
from minigrad.distributions.continuous_bernoulli import ContinuousBernoulli
from minigrad.distributions.discrete import (
    Bernoulli,
    Binomial,
    Categorical,
    Geometric,
    OneHotCategorical,
    OneHotCategoricalStraightThrough,
    Poisson,
)
from minigrad.distributions.distribution import Distribution
from minigrad.distributions.fisher_snedecor import FisherSnedecor
from minigrad.distributions.gamma import Beta, Chi2, Dirichlet, Gamma
from minigrad.distributions.generalized_pareto import GeneralizedPareto
from minigrad.distributions.independent import Independent
from minigrad.distributions.joined_transforms import CatTransform, CumulativeDistributionTransform, StackTransform
from minigrad.distributions.kl import kl_divergence, register_kl
from minigrad.distributions.lkj_cholesky import LKJCholesky
from minigrad.distributions.low_rank_multivariate_normal import LowRankMultivariateNormal
from minigrad.distributions.mixture_same_family import MixtureSameFamily
from minigrad.distributions.multinomial import Multinomial
from minigrad.distributions.multivariate_normal import MultivariateNormal
from minigrad.distributions.negative_binomial import NegativeBinomial
from minigrad.distributions.relaxed import RelaxedBernoulli, RelaxedOneHotCategorical
from minigrad.distributions.reshaped import InverseGamma, Kumaraswamy, LogisticNormal
from minigrad.distributions.simplex_transforms import (
    CorrCholeskyTransform,
    LowerCholeskyTransform,
    PositiveDefiniteTransform,
    StickBreakingTransform,
)
from minigrad.distributions.student_t import StudentT
from minigrad.distributions.transformed_distribution import (
    Gumbel,
    HalfCauchy,
    HalfNormal,
    LogNormal,
    Pareto,
    TransformedDistribution,
    Weibull,
)
from minigrad.distributions.transforms import (
    AbsTransform,
    AffineTransform,
    ComposeTransform,
    ExpTransform,
    IndependentTransform,
    PowerTransform,
    ReshapeTransform,
    SigmoidTransform,
    SoftmaxTransform,
    SoftplusTransform,
    TanhTransform,
    Transform,
    identity_transform,
)
from minigrad.distributions.von_mises import VonMises
from minigrad.distributions.wishart import Wishart
from minigrad.missing import explain_missing

__all__ = [
    "AbsTransform", "AffineTransform", "Bernoulli", "Beta", "Binomial", "CatTransform", "Categorical", "Cauchy",
    "Chi2", "ComposeTransform", "ContinuousBernoulli", "CorrCholeskyTransform", "CumulativeDistributionTransform",
    "Dirichlet", "Distribution", "ExpTransform", "Exponential", "FisherSnedecor", "Gamma", "GeneralizedPareto",
    "Geometric", "Gumbel", "HalfCauchy", "HalfNormal", "Independent", "IndependentTransform", "InverseGamma",
    "Kumaraswamy", "LKJCholesky", "Laplace", "LogNormal", "LogisticNormal", "LowRankMultivariateNormal",
    "LowerCholeskyTransform", "MixtureSameFamily", "Multinomial", "MultivariateNormal", "NegativeBinomial",
    "Normal", "OneHotCategorical", "OneHotCategoricalStraightThrough", "Pareto", "Poisson",
    "PositiveDefiniteTransform", "PowerTransform", "RelaxedBernoulli", "RelaxedOneHotCategorical",
    "ReshapeTransform", "SigmoidTransform", "SoftmaxTransform", "SoftplusTransform", "StackTransform",
    "StickBreakingTransform", "StudentT", "TanhTransform", "Transform", "TransformedDistribution", "Uniform",
    "VonMises", "Weibull", "Wishart", "biject_to", "constraint_registry", "constraints", "identity_transform",
    "kl_divergence", "register_kl", "transform_to", "transforms", "utils",
]  # fmt: skip

explain_missing("torch.distributions", globals())
