"""The errors of `ganymede.connect` and `ganymede.open`: each is a `GanymedeError`, and says what to do."""

from foundation.errors import (
    DeadlineExceeded,
    GanymedeError,
    InvalidField,
    ModelNotFound,
    NoProjection,
    NotFound,
    Unavailable,
    UnsupportedPicture,
)
from ganymede.library.errors import KeyRefused, ServiceFailed, TooManyRequests, Unreachable, WrongUse

__all__ = [
    "DeadlineExceeded",
    "GanymedeError",
    "InvalidField",
    "KeyRefused",
    "ModelNotFound",
    "NoProjection",
    "NotFound",
    "ServiceFailed",
    "TooManyRequests",
    "Unavailable",
    "Unreachable",
    "UnsupportedPicture",
    "WrongUse",
]
