"""Pictures as a generator gives them."""

import numpy as np
from numpy.typing import NDArray

Images = NDArray[np.uint8]
"""uint8 (n, height, width, channels), 0 to 255; channels is 1 or 3."""
