"""What a person writes on the command line, whatever the shell and the locale made of it."""

import os
from pathlib import Path

import typer

from foundation.home import expand_home


def read_path(text: str | Path) -> Path:
    """A path; `~` and `~USER` at its beginning are home folders, also where a shell left them (`--x=~/y`).

    Raises:
        BadParameter: there is no such user.
    """
    path = expand_home(str(text))
    if str(text).startswith("~") and str(path).startswith("~"):
        raise typer.BadParameter(f"{text}: there is no such user; write ./~… for a name with ~")
    return path


def read_text(text: str) -> str:
    """Text; where it was no text in the locale's encoding (`LC_ALL=C`) but is UTF-8, it is read as that.

    Raises:
        BadParameter: it is neither.
    """
    try:
        text.encode()
    except UnicodeEncodeError:  # the bytes that the locale does not know, as lone surrogates (PEP 383)
        try:
            return os.fsencode(text).decode()
        except UnicodeDecodeError:
            raise typer.BadParameter(f"{text!a} is not text in this locale, nor UTF-8") from None
    return text
