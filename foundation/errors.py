"""The one tree of errors: each has a stable code, and a sentence for the person.

Nothing here knows of HTTP: what an error is to a client of the service is told in `service.http`.
"""

import re


class GanymedeError(Exception):
    """Something that went wrong in a way we can explain; `str(error)` is a sentence for the person."""

    code = "internal"
    """What kind of error it is, for programs; it stays when sentences change."""
    retry_after_s: int | None = None
    """When trying again may work, if it may."""

    def for_strangers(self) -> str:
        """The sentence for a client of the service, who need not know where its store and its files are."""
        return str(self)


def tell_strangers(reason: object) -> str:
    """What a client of the service is told of an error, or of words, which are told as they are."""
    return reason.for_strangers() if isinstance(reason, GanymedeError) else str(reason)


def hide_location(sentence: str, location: str) -> str:
    """The sentence with `the store` for its location, where that stands as a word or before a `/`.

    Likewise for each URL.
    """
    place = rf"(?<![^\s('\"]){re.escape(location)}(?=[\s:;,/)'\"]|\.?$|\.\s)"
    return hide_urls(re.sub(place, "the store", sentence))


def hide_urls(sentence: str) -> str:
    """The sentence with `the store` for each URL: a library's error names the endpoint that it asked."""
    return re.sub(r"\b[a-z][a-z0-9+.-]*://[^\s'\"<>)]+", "the store", sentence)


class MalformedRequest(GanymedeError):
    """The body is not what the endpoint reads (not JSON, not an object)."""

    code = "malformed"


class NotFound(GanymedeError):
    """The address, or the model or version it names, does not exist."""

    code = "not-found"


class ModelNotFound(NotFound):
    """No such model, version or alias in the store."""

    code = "model-not-found"

    def __init__(self, message: str, *, location: str | None = None) -> None:
        """`message` may name the store's `location`, then given: for who has the store, not for strangers."""
        super().__init__(message)
        self._location = location

    def for_strangers(self) -> str:
        """The sentence without the store's location."""
        return str(self) if self._location is None else hide_location(str(self), self._location)


class NotAcceptable(GanymedeError):
    """None of the media types in `Accept` can be made."""

    code = "not-acceptable"


class RequestTimeout(GanymedeError):
    """The rest of the request did not come in time; what still comes is not read, so the connection ends."""

    code = "request-timeout"


class BodyTooLarge(GanymedeError):
    """The request body is larger than the service reads."""

    code = "body-too-large"


class InvalidField(GanymedeError):
    """A field of the request is wrong; `field` is its path in the body, such as `seeds.3`."""

    code = "invalid-field"

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


class UnsupportedPicture(GanymedeError):
    """What should be a picture is none that is read; `field` is where it stood, such as `pictures.0`."""

    code = "unsupported-picture"

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field


class NoProjection(GanymedeError):
    """The release has no encoder: no picture can be found in its latent space."""

    code = "no-projection"


class Unavailable(GanymedeError):
    """The service cannot take this now; trying again after `retry_after_s` may work."""

    code = "unavailable"

    def __init__(self, message: str, *, retry_after_s: int = 1) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class QueueFull(Unavailable):
    """More images are waiting than the queue may hold."""

    code = "queue-full"


class DeadlineExceeded(GanymedeError):
    """The request was not answered within its time limit."""

    code = "deadline-exceeded"


class ClientGone(GanymedeError):
    """The client hung up; nobody reads the answer."""

    code = "client-gone"


class StoreError(GanymedeError):
    """The model store refused or failed."""

    code = "store"

    def __init__(self, message: str, *, outside: str | None = None) -> None:
        """`outside` stands for `message` before strangers, where that names a bucket, a host or a folder."""
        super().__init__(message)
        self._outside = outside

    def for_strangers(self) -> str:
        """The sentence without places and without the store's own words."""
        return hide_urls(self._outside or str(self))


class StoreUnreachable(StoreError):
    """The model store did not answer, or refused us; trying again later may work."""

    code = "store-unreachable"
    retry_after_s = 10


class StoreDenied(StoreUnreachable):
    """The model store answered at once, and refused this; another question may go well."""


class AlreadyPublished(StoreError):
    """This version exists; versions are immutable."""

    code = "already-published"


class AlreadySigned(StoreError):
    """This version has a signature; a signature is added once and never changes."""

    code = "already-signed"


class AliasMoved(StoreError):
    """Another promotion was faster."""

    code = "alias-moved"


class ReleaseRefused(StoreError):
    """A release in the store is damaged or breaks the contract; it is never served."""

    code = "release-refused"
    retry_after_s = 60  # nobody but who publishes can mend it


class NotTrusted(ReleaseRefused):
    """No trusted key signed the release as it is; there is nothing else known against it."""
