"""Rounds of training in a process of its own: told how long by its standard input, it answers how much.

Of the standard library alone, so that another environment's Python can run it too.
"""

import sys
import time
from collections.abc import Callable

RESULT = "RESULT"


def answer_rounds(train_batch: Callable[[], int], finish: Callable[[], None], warm_up: int = 3) -> None:
    """Train a few batches, say so, and then for as many seconds as each line of the input says.

    `train_batch` returns its number of images; `finish` waits until all that was begun is done.
    """
    for _ in range(warm_up):
        train_batch()
    finish()
    print(RESULT, 0, 0, flush=True)
    for line in sys.stdin:
        images, began = 0, time.perf_counter()
        while time.perf_counter() - began < float(line):
            images += train_batch()
            finish()
        print(RESULT, images, time.perf_counter() - began, flush=True)
