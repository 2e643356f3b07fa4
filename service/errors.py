"""The one tree of errors: each knows its HTTP status, a stable code and a sentence for the person."""


class GanymedeError(Exception):
    """Something that went wrong in a way we can explain; `str(error)` is a sentence for the person."""

    status = 500
    code = "internal"
    title = "Internal error"
    retry_after_s: int | None = None
    """When trying again may work, if it may."""

    @property
    def headers(self) -> dict[str, str]:
        """Response headers that this error adds: perhaps `Retry-After` (RFC 9110, section 10.2.3)."""
        return {} if self.retry_after_s is None else {"Retry-After": str(self.retry_after_s)}


class MalformedRequest(GanymedeError):
    """The body is not what the endpoint reads (not JSON, not an object)."""

    status = 400
    code = "malformed"
    title = "Malformed request"


class NotFound(GanymedeError):
    """The address, or the model or version it names, does not exist."""

    status = 404
    code = "not-found"
    title = "Not found"


class ModelNotFound(NotFound):
    """No such model, version or alias in the store."""

    code = "model-not-found"
    title = "Model not found"


class NotAcceptable(GanymedeError):
    """None of the media types in `Accept` can be made."""

    status = 406
    code = "not-acceptable"
    title = "Not acceptable"


class BodyTooLarge(GanymedeError):
    """The request body is larger than the service reads."""

    status = 413
    code = "body-too-large"
    title = "Body too large"


class InvalidField(GanymedeError):
    """A field of the request is wrong; `field` is its path in the body, such as `seeds.3`."""

    status = 422
    code = "invalid-field"
    title = "Invalid field"

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


class Unavailable(GanymedeError):
    """The service cannot take this now; trying again after `retry_after_s` may work."""

    status = 503
    code = "unavailable"
    title = "Unavailable"

    def __init__(self, message: str, *, retry_after_s: int = 1) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class QueueFull(Unavailable):
    """More images are waiting than the queue may hold."""

    code = "queue-full"
    title = "Queue full"


class DeadlineExceeded(GanymedeError):
    """The request was not answered within its time limit."""

    status = 504
    code = "deadline-exceeded"
    title = "Deadline exceeded"


class StoreError(GanymedeError):
    """The model store refused or failed."""

    code = "store"
    title = "Model store error"


class StoreUnreachable(StoreError):
    """The model store did not answer, or refused us; trying again later may work."""

    status = 503
    code = "store-unreachable"
    title = "Model store unreachable"
    retry_after_s = 10


class StoreDenied(StoreUnreachable):
    """The model store answered at once, and refused this; another question may go well."""


class AlreadyPublished(StoreError):
    """This version exists; versions are immutable."""

    status = 409
    code = "already-published"
    title = "Version already published"


class AlreadySigned(StoreError):
    """This version has a signature; a signature is added once and never changes."""

    status = 409
    code = "already-signed"
    title = "Version already signed"


class AliasMoved(StoreError):
    """Another promotion was faster."""

    status = 409
    code = "alias-moved"
    title = "Alias moved"


class ReleaseRefused(StoreError):
    """A release in the store is damaged or breaks the contract; it is never served."""

    status = 503
    code = "release-refused"
    title = "Release refused"
    retry_after_s = 60  # nobody but who publishes can mend it
