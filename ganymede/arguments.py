"""What a person writes on the command line, whatever the shell and the locale made of it."""

import os
from pathlib import Path

import typer

from foundation.home import expand_home
from foundation.manifest import MAX_LICENCE
from foundation.names import WrongName, require_name


def read_path(text: str | Path) -> Path:
    """A path; `~` and `~USER` at its beginning are home folders, also where a shell left them (`--x=~/y`).

    Raises:
        BadParameter: there is no such user.
    """
    path = expand_home(str(text))
    if str(text).startswith("~") and str(path).startswith("~"):
        raise typer.BadParameter(f"{text}: there is no such user; write ./~… for a name with ~")
    return path


def read_model_name(text: str) -> str:
    """The name of a model; raise BadParameter for what cannot be one."""
    return _read_name(text, "a model's name")


def read_version(text: str) -> str:
    """The name of a version; raise BadParameter for what cannot be one."""
    return _read_name(text, "a version's name")


def read_alias(text: str) -> str:
    """The name of an alias; raise BadParameter for what cannot be one."""
    return _read_name(text, "an alias")


def _read_name(text: str, what: str) -> str:
    try:
        return require_name(read_text(text), what)
    except WrongName as error:
        raise typer.BadParameter(str(error)) from error


def read_licence(text: str) -> str:
    """What a release says of its licence; raise BadParameter for nothing, and for more than it may say."""
    said = read_text(text).strip()
    if not 1 <= len(said) <= MAX_LICENCE:
        raise typer.BadParameter(f"an SPDX name or a sentence, of 1 to {MAX_LICENCE} characters")
    return said


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
