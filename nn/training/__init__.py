"""Training without writing the loop: `fit`, `evaluate`, `predict`, metrics and callbacks.

For people who come from Keras. A run that was killed goes on from its checkpoint and ends with the
same weights, bit for bit.
"""

from .callbacks import Callback, CSVLogger, EarlyStopping, ModelCheckpoint, TensorBoard
from .evaluation import evaluate, predict
from .fit import fit
from .history import History
from .lr_finder import LRFinder, find_lr
from .metrics import (
    AUC,
    F1,
    Accuracy,
    ConfusionMatrix,
    MeanAbsoluteError,
    MeanSquaredError,
    Metric,
    Precision,
    Recall,
    TopK,
)

__all__ = [
    "AUC",
    "F1",
    "Accuracy",
    "CSVLogger",
    "Callback",
    "ConfusionMatrix",
    "EarlyStopping",
    "History",
    "LRFinder",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "Metric",
    "ModelCheckpoint",
    "Precision",
    "Recall",
    "TensorBoard",
    "TopK",
    "evaluate",
    "find_lr",
    "fit",
    "predict",
]
