"""Signal processing under PyTorch's names: the window functions in `autograd.signal.windows`."""

from . import windows as windows
