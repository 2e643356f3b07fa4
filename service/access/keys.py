"""The API keys that a service knows: a name, a hash, and perhaps limits of its own."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from service.settings import Settings, WrongSetting

Bound = float | Literal["default"] | None
"""Images; None is any number, `default` what the service's setting says."""

MAX_RATE_IMAGES_PER_S = 1e9
MAX_QUOTA_IMAGES_PER_DAY = 10**12

_MAX_FILE_BYTES = 2**20
_ENTRY = re.compile(
    r"(?P<name>[A-Za-z0-9._-]{1,64}):(?P<digest>[0-9a-fA-F]{64})(?P<bounds>([:\s]+[^:\s]+)*)\s*"
)
_FORM = (
    "NAME:SHA256 with 64 hexadecimal digits and a name of its own, and after it perhaps "
    ":rate_images_per_s=R and :quota_images_per_day=Q (a number or none). `ganymede key NAME` makes a key "
    "and its entry."
)


@dataclass(frozen=True, slots=True)
class ApiKey:
    """One of the keys. Its hash is no secret to look at: a key has 256 random bits."""

    digest: bytes = field(repr=False)
    """Sha256 of the key's bytes."""
    rate_images_per_s: Bound = "default"
    quota_images_per_day: Bound = "default"


def read_keys(settings: Settings) -> dict[str, ApiKey]:
    """The keys by their names: entries, separated by commas or lines, or a file of them.

    Raises:
        WrongSetting: an entry is none; what it holds is not repeated, for it may be a key.
    """
    text = settings.api_keys.get_secret_value().strip() if settings.api_keys else ""
    return parse_keys(_read_file(text) if text and ":" not in text else text)


def parse_keys(text: str) -> dict[str, ApiKey]:
    """The keys of a file's text; see `read_keys`."""
    entries = [line.partition("#")[0].strip() for line in re.split(r"[,\n]", text)]
    keys: dict[str, ApiKey] = {}
    for number, entry in enumerate(filter(None, entries), 1):
        match = _ENTRY.fullmatch(entry)
        if match is None or match["name"] in keys:
            raise WrongSetting(f"GANYMEDE_API_KEYS: entry {number} is not {_FORM}")
        keys[match["name"]] = ApiKey(bytes.fromhex(match["digest"]), **_read_bounds(number, match["bounds"]))
    return keys


def _read_bounds(number: int, words: str) -> dict[str, Bound]:
    bounds: dict[str, Bound] = {}
    most = {"rate_images_per_s": MAX_RATE_IMAGES_PER_S, "quota_images_per_day": MAX_QUOTA_IMAGES_PER_DAY}
    for word in re.findall(r"[^:\s]+", words):
        name, _, text = word.partition("=")
        value = _read_bound(text)
        if (
            name not in most
            or name in bounds
            or value == "default"
            or (isinstance(value, float) and not 0 < value <= most[name])
            or (name == "quota_images_per_day" and isinstance(value, float) and value % 1)
        ):
            raise WrongSetting(f"GANYMEDE_API_KEYS: entry {number} is not {_FORM}")
        bounds[name] = value
    return bounds


def _read_bound(text: str) -> Bound:
    """A number, None for `none`, and `default` for what is neither."""
    if text == "none":
        return None
    return float(text) if re.fullmatch(r"\d{1,15}(\.\d{1,9})?", text, re.ASCII) else "default"


def _read_file(path: str) -> str:
    try:
        with Path(path).expanduser().open("rb") as file:
            content = file.read(_MAX_FILE_BYTES + 1)
        if len(content) > _MAX_FILE_BYTES:
            raise WrongSetting(f"GANYMEDE_API_KEYS: the file has more than {_MAX_FILE_BYTES:,} bytes.")
        return content.decode("utf-8-sig")
    except (OSError, ValueError, RuntimeError):  # unreadable, not UTF-8, or no such user behind ~
        raise WrongSetting("GANYMEDE_API_KEYS is neither NAME:SHA256 nor a file that can be read.") from None
