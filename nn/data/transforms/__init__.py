"""Changes to images, mostly random, that make more of the training data.

The names and arguments are those of `torchvision.transforms`. Images are arrays: Tensors or
ndarrays of shape (..., H, W), of any dtype; what comes back is of the same kind and dtype. All
images in one array are changed alike. Random numbers come from `generator=`, else from the loader
that fetches the batch (the same with any number of workers), else from the global generator.
"""

from .affine import RandomAffine, RandomRotation, affine
from .base import Compose, Lambda, RandomApply, ToTensor, Transform, Transformed
from .pixels import (
    CenterCrop,
    GaussianNoise,
    Normalize,
    Pad,
    RandomCrop,
    RandomErasing,
    RandomHorizontalFlip,
    RandomVerticalFlip,
)

__all__ = [
    "CenterCrop",
    "Compose",
    "GaussianNoise",
    "Lambda",
    "Normalize",
    "Pad",
    "RandomAffine",
    "RandomApply",
    "RandomCrop",
    "RandomErasing",
    "RandomHorizontalFlip",
    "RandomRotation",
    "RandomVerticalFlip",
    "ToTensor",
    "Transform",
    "Transformed",
    "affine",
]
