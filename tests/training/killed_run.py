"""A training that is killed with SIGKILL when a certain batch is asked for; run as a process of its own.

`python -m tests.training.killed_run FOLDER BATCH`
"""

import os
import signal
import sys
from pathlib import Path
from typing import Any

from rich.console import Console

from tests.training.conftest import DATA_FOLDER, describe_small_run
from training import train as training_loop
from training.config import override
from training.data.batches import epoch_batches


def main():
    folder, last_batch = Path(sys.argv[1]), int(sys.argv[2])
    counter = iter(range(1, 1000))

    def deadly_batches(*arguments, **options):
        for batch in epoch_batches(*arguments, **options):
            if next(counter) == last_batch:
                os.kill(os.getpid(), signal.SIGKILL)
            yield batch

    loop: Any = training_loop
    loop.epoch_batches = deadly_batches
    training_loop.train(
        override(describe_small_run(), ["evaluation_epochs=0"]),
        folder,
        data_folder=DATA_FOLDER,
        console=Console(),
    )


if __name__ == "__main__":
    main()
