"""Reverse-mode automatic differentiation on NumPy arrays, with PyTorch's names and semantics."""

from __future__ import annotations

from typing import TYPE_CHECKING as _TYPE_CHECKING

from . import silent as silent  # first: its filter must stand before any operation runs
from . import memory as memory
from . import (
    amp as amp,
    checkpoint as checkpoint,
    elsewhere as elsewhere,
    graph as graph,
    ops as ops,
    random as random,
    signal as signal,
)
from .amp import (
    GradScaler as GradScaler,
    autocast as autocast,
    compile as compile,
    get_float32_matmul_precision as get_float32_matmul_precision,
    is_autocast_enabled as is_autocast_enabled,
    jit as jit,
    set_float32_matmul_precision as set_float32_matmul_precision,
    use_deterministic_algorithms as use_deterministic_algorithms,
)
from .anomaly import (
    detect_anomaly as detect_anomaly,
    is_anomaly_check_nan_enabled as is_anomaly_check_nan_enabled,
    is_anomaly_enabled as is_anomaly_enabled,
    set_detect_anomaly as set_detect_anomaly,
)
from .binding import bind
from .custom import Function as Function, once_differentiable as once_differentiable
from .devices import (
    accelerator as accelerator,
    backends as backends,
    cuda as cuda,
    device as device,
    distributed as distributed,
    get_default_device as get_default_device,
    mps as mps,
    set_default_device as set_default_device,
    xpu as xpu,
)
from .dtypes import (
    bfloat16 as bfloat16,
    bool_ as bool_,
    can_cast as can_cast,
    double as double,
    float16 as float16,
    float32 as float32,
    float64 as float64,
    get_default_dtype as get_default_dtype,
    half as half,
    int8 as int8,
    int16 as int16,
    int32 as int32,
    int64 as int64,
    long as long,
    promote_types as promote_types,
    set_default_dtype as set_default_dtype,
    short as short,
    uint8 as uint8,
)
from .engine import backward as backward, grad as grad
from .fusing import unfused as unfused
from .grad_mode import (
    enable_grad as enable_grad,
    inference_mode as inference_mode,
    is_grad_enabled as is_grad_enabled,
    is_inference_mode_enabled as is_inference_mode_enabled,
    no_grad as no_grad,
    set_grad_enabled as set_grad_enabled,
)
from .gradcheck import gradcheck as gradcheck, gradgradcheck as gradgradcheck
from .kinds import (
    BoolTensor as BoolTensor,
    ByteTensor as ByteTensor,
    CharTensor as CharTensor,
    DoubleTensor as DoubleTensor,
    FloatTensor as FloatTensor,
    HalfTensor as HalfTensor,
    IntTensor as IntTensor,
    LongTensor as LongTensor,
    ShortTensor as ShortTensor,
    Variable as Variable,
    channels_last as channels_last,
    contiguous_format as contiguous_format,
    detach as detach,
    dtype as dtype,
    e as e,
    finfo as finfo,
    from_dlpack as from_dlpack,
    get_device as get_device,
    iinfo as iinfo,
    inf as inf,
    is_complex as is_complex,
    is_floating_point as is_floating_point,
    is_nonzero as is_nonzero,
    is_same_size as is_same_size,
    is_signed as is_signed,
    is_tensor as is_tensor,
    nan as nan,
    newaxis as newaxis,
    numel as numel,
    pi as pi,
    preserve_format as preserve_format,
    result_type as result_type,
    set_default_tensor_type as set_default_tensor_type,
    strided as strided,
    typename as typename,
)
from .methods import bind_methods
from .printing import get_printoptions as get_printoptions, set_printoptions as set_printoptions
from .random import (
    Generator as Generator,
    default_generator as default_generator,
    get_rng_state as get_rng_state,
    initial_seed as initial_seed,
    manual_seed as manual_seed,
    seed as seed,
    set_rng_state as set_rng_state,
)
from .registry import ENTRIES as _ENTRIES
from .serialization import load as load, save as save
from .tensor import Size as Size, Tensor as Tensor
from .threads import get_num_threads as get_num_threads, set_num_threads as set_num_threads

bind()
bind_methods()
for _e in _ENTRIES.values():
    if not _e.namespace and not _e.name.startswith("_"):
        globals()[_e.name] = _e.function
        if _e.in_place:
            globals()[f"{_e.name}_"] = getattr(Tensor, f"{_e.name}_")
from . import (
    linalg as linalg,
    masked as masked,
    special as special,
)
from . import func as func, functional as functional
from . import viz as viz
from .stepper import step as step

if _TYPE_CHECKING:
    import nn as nn
    import optim as optim

    from . import distributions as distributions

__version__ = "0.1.0"

float, int, bool = float32, int32, bool_  # PyTorch's names; Python's own stay in `builtins`


def __getattr__(name: str) -> object:
    return elsewhere.find(name)
