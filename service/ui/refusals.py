"""What the page refuses beside what every endpoint does."""

from foundation.errors import GanymedeError


class ForeignOrigin(GanymedeError):
    """A page of another site asks for something in the name of who looks at it."""

    code = "foreign-origin"


class NotAllowed(GanymedeError):
    """The address is right, the method is not."""

    code = "no-event-method"


class WrongValue(GanymedeError):
    """A value of an event is none that the page sends; `str(error)` is shown to the person."""

    code = "wrong-value"
