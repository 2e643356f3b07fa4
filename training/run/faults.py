"""What breaks a run from outside, in words: the data, the memory, the disk."""

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import tensorflow as tf

from training.config import Configuration
from training.errors import DataError, DivergenceError, NotFiniteError, RunError

REASON_CHARACTERS = 300


def read_batches(
    batches: Iterable[tuple[tf.Tensor, tf.Tensor]], data: str, first_step: int
) -> Iterator[tuple[tf.Tensor, tf.Tensor]]:
    """Yield the batches after number `first_step`; raise DataError that names the one that failed."""
    iterator, step = iter(batches), first_step
    while True:
        step += 1
        try:
            batch = next(iterator)
        except StopIteration:
            return
        except (tf.errors.OpError, OSError) as error:
            raise DataError(
                f"Batch {step} of the data '{data}' cannot be read: {first_sentence(error)}"
            ) from error
        yield batch


@contextmanager
def explain_faults(configuration: Configuration, newest: Callable[[], str | None]) -> Iterator[None]:
    """Let what broke the run leave as a sentence with the last good checkpoint, `newest`, and what to do.

    Raises:
        DivergenceError: a loss or a weight is not finite any more.
        DataError: a batch cannot be read.
        RunError: the memory or the disk is full, or another worker is gone.
    """
    try:
        yield
    except NotFiniteError as error:
        rate = getattr(configuration, "learning_rate", None)
        smaller = f"--set learning_rate={rate / 2:g}" if rate else "a smaller learning rate"
        float32 = "" if configuration.precision == "float32" else ", or with --set precision=float32"
        raise DivergenceError(
            f"{error} {describe_newest(newest())} Try a new run with {smaller}{float32}."
        ) from error
    except DataError as error:
        raise DataError(f"{error} {describe_newest(newest())}") from error
    except tf.errors.ResourceExhaustedError as error:
        raise RunError(
            f"The device's memory does not hold a batch of {configuration.batch_size} "
            f"({first_sentence(error)}). {describe_newest(newest())} Try a new run with a smaller batch_size."
        ) from error
    except (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.CancelledError) as error:
        raise RunError(
            f"Another worker does not answer any more ({first_sentence(error)}). "
            f"{describe_newest(newest())} Start all workers again, and they go on from there."
        ) from error
    except OSError as error:
        where = f"{error.filename} cannot be written" if error.filename else "The run cannot be written"
        raise RunError(
            f"{where}: {error.strerror or error}. {describe_newest(newest())} "
            "The same command goes on from there."
        ) from error


def describe_newest(newest: str | None) -> str:
    """Return a sentence about the last good checkpoint."""
    return f"The last good checkpoint is {newest}." if newest else "There is no checkpoint yet."


def first_sentence(error: BaseException) -> str:
    """Return what an error says of itself: TensorFlow's without the names of its nodes and the traceback."""
    message = str(getattr(error, "message", None) or error).strip() or type(error).__name__
    line = re.sub(r"^(\{\{[^}]*\}\}\s*)+", "", message).splitlines()[0]
    return line.removeprefix("DataError: ")[:REASON_CHARACTERS]
