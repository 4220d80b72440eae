"""The one table of op samples: a row for every public function, which drives all op tests.

How to add a row. Open the file of the function's family (or add one: every module here that
defines `ROWS` is collected) and append one row. From it the tests derive: values against NumPy
and PyTorch, float32 and float64, integers and bool, strided and empty inputs, first and second
derivatives against finite differences and PyTorch, the displayed formula, what the rules may
share in memory, the in-place twin, and errors. Usual rows, from short to long:

    unary("sin")                                   # real input; NumPy's function of that name
    unary("log", pos)                              # another domain: pos, unit, x(low=, high=)
    unary("erf", ref=scipy.special.erf)            # another reference
    binary("maximum")                              # all kinds of broadcasting, mixed dtypes
    Row("cumsum", call(x(2, 3), 0), call(x(2, 3), dim=-1))
    Row("cat", call([x(2, 3), x(1, 3)]), bad(RuntimeError, [x(2), x(2, 3)]))

* `call(...)` is one call: its arguments and keywords as a user writes them (`dim=`, not `axis=`),
  with inputs in the place of tensors, also inside lists and tuples: `x(2, 3)` (real, distinct,
  away from integers and halves, where the kinks are), `pos`, `unit`, `ints`, `bools`, and
  `exact([...])` for given values. Floating inputs are differentiated unless `grad=False`.
  Different keywords, ranks, negative dims, an empty and a 0-d tensor each deserve a call.
* `edge(...)` is a call at a point without a derivative to difference (ties, 0, inf, NaN): value
  and first derivative must be PyTorch's there.
* `bad(error, ...)` is a call that must raise; PyTorch must refuse it as well.
* `numpy=` is the reference, a callable that takes the call's arguments (NumPy's own functions get
  `dim`, `keepdim`, `correction` under NumPy's names). Without it, it is the function that
  dispatches to the entry, or NumPy's or SciPy's of the same name. `numpy=None`: there is none.
* `torch=` is the counterpart, a dotted name ("nn.functional.relu") or a callable that gets the
  torch module first. Without it, it is the same name in the entry's namespace, torch or Tensor.
  `torch=None`: there is none; say so in `why`.
* `grad=` is how often the function can be differentiated (2; 0 for results that are constants),
  with the reason in `why` where it is 1.
* `run=lambda f, *args: ...` makes and evaluates the call where the plain `f(*args)` will not do:
  `run=lambda f, a: f(a @ a.mT + 3)` for a symmetric input, `abs(f(a).U)` for a free sign. It runs
  with Tensors, ndarrays and torch tensors alike, `f` being the function in each of the three.
* `random=True`: results are random; only shapes and dtypes are compared, and derivatives are
  checked with the same seed. `skip_dtypes="iub"` leaves kinds (or names) of dtypes out of the
  comparison with PyTorch. `tol=(float64, float32)` are relative tolerances. Say why in `why`.

An alias of another entry's function needs no row. An inner operation is covered by the row of a
public function that records it; a test names those that no row reaches.
"""

from __future__ import annotations

import importlib
import pkgutil

from .table import Row, Sample

ROWS: list[Row] = [
    row
    for module in sorted(m.name for m in pkgutil.iter_modules(__path__))
    for row in getattr(importlib.import_module(f"{__name__}.{module}"), "ROWS", ())
]

__all__ = ["ROWS", "Row", "Sample"]
