"""A time limit for a run of ONNX Runtime."""

import threading
from types import TracebackType
from typing import Self

from service.onnx_runtime import onnxruntime


class RunLimit:
    """Within it, runs that are given `options` are told to end after `timeout_s`.

    ONNX Runtime looks at its flag between two operators, also within a loop of the graph: a single operator
    that never ends is not ended.
    """

    def __init__(self, timeout_s: float) -> None:
        self.options = onnxruntime.RunOptions()
        self.passed = False
        """Whether the time was up."""
        self._timer = threading.Timer(timeout_s, self._end)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()

    def _end(self) -> None:
        self.passed = True
        self.options.terminate = True
