"""Large arrays that are freed stay with the process, for those of the next operation.

glibc gives freed memory back to the system once more of it is free than twice the largest block
that was ever mapped and freed, and the next array then pays for each of its pages anew: a sixth
of a training step of a small convolutional network. That limit is learned, so one block is
enough, of the largest size glibc learns from; nothing is written to it. Other allocators do not
notice.
"""

from __future__ import annotations

import numpy as np

np.empty((1 << 25) - (1 << 13), np.uint8)
