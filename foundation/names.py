"""The names of models, versions and aliases: what they may be, and what is said of one that is none."""

import re
import unicodedata
from typing import Annotated

from pydantic import AfterValidator, Field

from foundation.errors import StoreError

NAME_PATTERN = r"^[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?$"
NAME_RULE = "1 to 64 lower-case letters, digits, '.', '_' and '-', with a letter or digit first and last"


class WrongName(StoreError):
    """A text that cannot name what it should; the message says what a name may be."""


def is_name(text: str) -> bool:
    """Whether `text` may name a model, a version or an alias."""
    return re.fullmatch(NAME_PATTERN, text) is not None


def require_name(text: str, what: str) -> str:
    """The text, if it may be `what`, such as `a model's name`.

    Raises:
        WrongName: it may not.
    """
    if is_name(text):
        return text
    near = suggest_name(text)
    such = f", such as {near!r}" if near else ""
    raise WrongName(f"{text[:80]!r} cannot be {what}: a name has {NAME_RULE}{such}.")


def suggest_name(text: str) -> str:
    """The name that is nearest to what was written, empty where nothing is left of it."""
    plain = unicodedata.normalize("NFKD", text[:200]).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9._]+", "-", plain)[:64].strip("._-")


def _check(text: str) -> str:
    if not is_name(text):
        raise ValueError(f"must be a name of {NAME_RULE}")
    return text


Name = Annotated[str, AfterValidator(_check), Field(json_schema_extra={"pattern": NAME_PATTERN})]
"""They become folder names, S3 keys and parts of addresses."""
