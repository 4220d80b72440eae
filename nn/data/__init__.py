"""Datasets, samplers and loaders, with the names of `torch.utils.data`, and the MNIST family."""

from nn.data import transforms
from nn.data.collate import default_collate, default_convert
from nn.data.dataset import (
    ChainDataset,
    ConcatDataset,
    Dataset,
    IterableDataset,
    StackDataset,
    Subset,
    TensorDataset,
    random_split,
)
from nn.data.digits import digits
from nn.data.idx import read_idx, write_idx
from nn.data.loader import DataLoader
from nn.data.mnist import MNIST, FashionMNIST
from nn.data.pictures import make_grid, save_image
from nn.data.sampler import (
    BatchSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)
from nn.data.worker import get_worker_info

__all__ = [
    "MNIST",
    "BatchSampler",
    "ChainDataset",
    "ConcatDataset",
    "DataLoader",
    "Dataset",
    "FashionMNIST",
    "IterableDataset",
    "RandomSampler",
    "Sampler",
    "SequentialSampler",
    "StackDataset",
    "Subset",
    "SubsetRandomSampler",
    "TensorDataset",
    "WeightedRandomSampler",
    "default_collate",
    "default_convert",
    "digits",
    "get_worker_info",
    "make_grid",
    "random_split",
    "read_idx",
    "save_image",
    "transforms",
    "write_idx",
]
