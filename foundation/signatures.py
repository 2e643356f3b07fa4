"""Signatures of releases in the OpenSSF model signing format, by keys on elliptic curves, without a network.

The format is https://github.com/ossf/model-signing-spec, the library PyPI's `model-signing`, which
`ganymede[signing]` has. What is signed is the manifest's own bytes and the sha256 that it states of every
other file: each file is held against that when it is read, so a release need not be here as a whole.
"""

import hashlib
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from foundation.errors import GanymedeError, NotTrusted
from foundation.home import expand_home
from foundation.manifest import MANIFEST_FILE, Manifest

SIGNATURE_FILE = "model.sig"
MAX_SIGNATURE_BYTES = 2**20


class WrongKey(GanymedeError):
    """A key that cannot be used, or the library for it is missing; the message says what to do."""

    code = "wrong-key"


class TrustedKeys:
    """Public keys, one of which must have signed whatever is opened; safe to use from many threads."""

    def __init__(self, paths: Sequence[Path]) -> None:
        """Read the keys, which are PEM files.

        Raises:
            WrongKey: a file cannot be read or is no public key on a known curve, or the library is missing.
        """
        signing = _import_library()
        self._lock = threading.Lock()
        self._verifiers = []
        self.names = tuple(path.name for path in paths)
        for path in paths:
            try:
                self._verifiers.append(signing.verifying.Config().use_elliptic_key_verifier(public_key=path))
            except Exception as error:  # cryptography's, the library's and the system's errors alike
                raise WrongKey(
                    f"{path} is no public key in PEM on the curve P-256, P-384 or P-521: {_shorten(error)}"
                ) from error

    def check(self, manifest: Manifest, text: bytes, signature: bytes | None) -> None:
        """Hold a release's manifest, `text` being its file's bytes, against its signature.

        Raises:
            NotTrusted: it has none, it is damaged or of another release, or of a key that is not trusted.
        """
        if signature is None:
            raise NotTrusted(
                f"{manifest.reference} is not signed, and nothing unsigned is opened where there are trusted "
                f"keys (GANYMEDE_TRUSTED_KEYS). Sign it: ganymede sign {manifest.reference} --key FILE"
            )
        with tempfile.TemporaryDirectory() as folder, self._lock:
            path = Path(folder) / SIGNATURE_FILE
            path.write_bytes(signature)
            reasons = []
            for verifier in self._verifiers:
                try:
                    verifier.set_hashing_config(_StatedHashes(manifest, text)).verify(folder, path)
                except Exception as error:  # of a foreign file the library raises whatever it likes
                    reasons.append(_shorten(error))
                else:
                    return
        raise NotTrusted(
            f"{manifest.reference}: {SIGNATURE_FILE} is no signature of this release by a trusted key "
            f"({', '.join(self.names)}): {'; '.join(dict.fromkeys(reasons))[:300]}",
            outside=f"{manifest.reference}: {SIGNATURE_FILE} is no signature of it by a trusted key.",
        )


def sign_manifest(manifest: Manifest, text: bytes, key: Path) -> bytes:
    """The content of `model.sig`: the release's manifest, `text` being its bytes, signed with a private key.

    Raises:
        WrongKey: the file is no private key in PEM without a password, or the library is missing.
    """
    signing = _import_library()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / manifest.reference  # its name becomes the signature's subject
        folder.mkdir()
        try:
            signing.signing.Config().use_elliptic_key_signer(private_key=key).set_hashing_config(
                _StatedHashes(manifest, text)
            ).sign(folder, folder / SIGNATURE_FILE)
        except Exception as error:  # cryptography's, the library's and the system's errors alike
            raise _refuse_private(key, error) from error
        return (folder / SIGNATURE_FILE).read_bytes()


def check_private_key(key: Path) -> None:
    """Look, before hours of work, whether a release can be signed with a key afterwards.

    Raises:
        WrongKey: as `sign_manifest`.
    """
    signing = _import_library()
    try:
        signing.signing.Config().use_elliptic_key_signer(private_key=key)
    except Exception as error:  # cryptography's, the library's and the system's errors alike
        raise _refuse_private(key, error) from error


def _refuse_private(key: Path, error: Exception) -> WrongKey:
    return WrongKey(
        f"{key} is no private key in PEM, without a password, on the curve P-256, P-384 or P-521: "
        f"{_shorten(error)}"
    )


def parse_key_files(text: str | None) -> TrustedKeys | None:
    """The keys that GANYMEDE_TRUSTED_KEYS names, files with commas between them; None where it is empty.

    Raises:
        WrongKey: as `TrustedKeys`, or there are commas and no file: whoever wrote them wants some keys.
    """
    paths = [expand_home(part.strip()) for part in (text or "").split(",") if part.strip()]
    if text and text.strip() and not paths:
        raise WrongKey("GANYMEDE_TRUSTED_KEYS has commas and no file; name some, or leave it out.")
    try:
        return TrustedKeys(paths) if paths else None
    except WrongKey as error:
        raise WrongKey(f"GANYMEDE_TRUSTED_KEYS: {error}") from error


class _StatedHashes:
    """What the library would find if it hashed the release itself, for which it asks a `hashing.Config`."""

    def __init__(self, manifest: Manifest, text: bytes) -> None:
        from model_signing._hashing.hashing import Digest  # no public name leads to it
        from model_signing.manifest import SerializationType

        sums = {MANIFEST_FILE: hashlib.sha256(text).hexdigest()}
        sums |= {file.path: file.sha256 for file in manifest.files}
        self._way = SerializationType.from_args(
            {
                "method": "files",
                "hash_type": "sha256",
                "allow_symlinks": False,
                "ignore_paths": [SIGNATURE_FILE],
            }
        )
        self._items = [
            self._way.new_item(path, Digest("sha256", bytes.fromhex(digest))) for path, digest in sums.items()
        ]

    def hash(self, model_path: Any, **_: Any) -> Any:
        """The library's manifest of the whole release; `model_path` lends it only a name."""
        from model_signing.manifest import Manifest as SignedManifest

        return SignedManifest(Path(model_path).name, self._items, self._way)

    def add_ignored_paths(self, **_: Any) -> None:
        """A signature may ask to ignore files; none of a release is."""


def _import_library() -> Any:
    try:
        import model_signing
        import model_signing.signing
        import model_signing.verifying
    except ImportError as error:
        raise WrongKey(
            f"Signatures need the package model-signing ({error}): install ganymede[signing]."
        ) from error
    return model_signing


def _shorten(error: Exception) -> str:
    return f"{type(error).__name__} {error}".strip()[:200]
