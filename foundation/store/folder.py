"""A model store in a folder of this machine."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from foundation.errors import ModelNotFound, ReleaseRefused, StoreUnreachable, hide_location
from foundation.manifest import MANIFEST_FILE, Manifest
from foundation.names import is_name
from foundation.signatures import MAX_SIGNATURE_BYTES, SIGNATURE_FILE
from foundation.store.aliases import ALIASES_FILE, Aliases, aliases_moved
from foundation.store.documents import (
    appear_once,
    explain_reading,
    explain_writing,
    find_versions,
    list_root,
    open_file,
    read_document,
)
from foundation.store.folder_lock import hold_lock
from foundation.store.interface import MAX_READ_BYTES
from foundation.store.publication import (
    already_published,
    already_signed,
    check_bytes,
    check_file,
    check_signature_size,
    check_size,
    encode_manifest,
    entry_of,
    parse_manifest,
    version_order,
)

_UNFINISHED = ".unfinished-"


class FolderStore:
    """Releases under `root`; a publication becomes visible by one atomic rename."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._failure: StoreUnreachable | None = None

    @property
    def location(self) -> str:
        """The folder's path."""
        return str(self.root)

    @property
    def failure(self) -> StoreUnreachable | None:
        """Why the root itself could not be read when it was last looked through; see `Store.failure`."""
        return self._failure

    def models(self) -> list[str]:
        """Names of the models that have a version, or into which nobody can look, in order."""
        self._failure = None
        try:
            names = list_root(self.root, self.location)
        except StoreUnreachable as error:
            outside = hide_location(str(error), self.location)
            self._failure = StoreUnreachable(str(error), outside=outside)
            raise self._failure from error
        return sorted(name for name in names if is_name(name) and self._may_hold_versions(name))

    def versions(self, model: str) -> list[str]:
        """Versions of `model` that have a manifest, oldest first."""
        return sorted(self._find_versions(model), key=version_order)

    def manifest(self, model: str, version: str) -> Manifest:
        """The manifest of one version; see `Store.manifest`."""
        return parse_manifest(self.manifest_text(model, version), model, version)

    def manifest_text(self, model: str, version: str) -> bytes:
        """The bytes of one version's manifest; see `Store.manifest_text`."""
        where = f"{model}@{version}"
        known = is_name(model) and is_name(version)
        path = self._versions_folder(model) / version / MANIFEST_FILE
        text = read_document(path, f"{where}: {MANIFEST_FILE}") if known else None
        if text is None:
            raise ModelNotFound(f"There is no {where[:160]!r} in {self.location}.", location=self.location)
        return text

    def signature(self, model: str, version: str) -> bytes | None:
        """The signature of one version; see `Store.signature`."""
        where = f"{model}@{version}: {SIGNATURE_FILE}"
        path = self._versions_folder(model) / version / SIGNATURE_FILE
        with open_file(path, where) as file, explain_reading(where):
            if file is None:
                return None
            check_signature_size(os.fstat(file.fileno()).st_size, model, version)
            return file.read(MAX_SIGNATURE_BYTES)

    def add_signature(self, manifest: Manifest, content: bytes) -> None:
        """Add a signature by one atomic link; see `Store.add_signature`."""
        folder = self._versions_folder(manifest.name) / manifest.version
        with (
            explain_writing(f"The folder {folder}"),
            tempfile.TemporaryDirectory(dir=folder.parent, prefix=_UNFINISHED) as name,
        ):
            written = Path(name) / SIGNATURE_FILE
            written.write_bytes(content)
            written.chmod(0o644)
            _sync(written)
            try:
                appear_once(written, folder / SIGNATURE_FILE)
            except FileExistsError:
                raise already_signed(manifest) from None
            _sync(folder)

    def read(self, manifest: Manifest, path: str, *, max_bytes: int = MAX_READ_BYTES) -> bytes:
        """The checked bytes of a file of the release; see `Store.read`."""
        entry = entry_of(manifest, path, max_bytes=max_bytes)
        with self._opened(manifest, path) as file:
            check_size(os.fstat(file.fileno()).st_size, entry, manifest.reference)
            with explain_reading(f"{manifest.reference}: {path}"):
                content = file.read(entry.size_bytes + 1)
        check_bytes(content, entry, manifest.reference)
        return content

    def fetch(self, manifest: Manifest, path: str, target: Path) -> None:
        """Copy a checked file of the release to `target`; see `Store.fetch`."""
        entry = entry_of(manifest, path)
        with self._opened(manifest, path) as file, target.open("wb") as copy:
            check_size(os.fstat(file.fileno()).st_size, entry, manifest.reference)
            with explain_writing(f"A copy of {path}"):
                shutil.copyfileobj(file, copy)
        check_file(target, entry, manifest.reference)

    def aliases(self, model: str, known: Aliases | None = None) -> Aliases:
        """The aliases of `model`; see `Store.aliases`."""
        where = f"{model}/{ALIASES_FILE}"
        text = read_document(self.root / model / ALIASES_FILE, where) if is_name(model) else None
        if text is None:
            return Aliases()
        revision = hashlib.sha256(text).hexdigest()
        if known and known.revision == revision:
            return known
        return Aliases.from_json(text, revision, where=where)

    def swap_aliases(self, model: str, old: Aliases, new: Aliases) -> None:
        """Write `new` if the file is still `old`'s; see `Store.swap_aliases`."""
        with (
            explain_writing(f"The folder {self.root / model}"),
            hold_lock(self.root, model),
        ):
            if self.aliases(model).revision != old.revision:
                raise aliases_moved(model)
            with tempfile.NamedTemporaryFile(dir=self.root / model, prefix=_UNFINISHED, delete=False) as file:
                file.write(new.to_json())
                file.flush()
                os.fsync(file.fileno())
            Path(file.name).chmod(0o644)
            Path(file.name).replace(self.root / model / ALIASES_FILE)

    def publish(
        self, manifest: Manifest, files: Mapping[str, Path], *, signature: bytes | None = None
    ) -> None:
        """Add a release, all of it or nothing; see `Store.publish`."""
        with explain_writing(f"The folder {self.root / manifest.name}"):
            self._publish(manifest, files, signature)

    def _publish(self, manifest: Manifest, files: Mapping[str, Path], signature: bytes | None) -> None:
        versions = self._versions_folder(manifest.name)
        versions.mkdir(parents=True, exist_ok=True)
        target = versions / manifest.version
        if os.path.lexists(target):
            raise already_published(manifest)
        unfinished = Path(tempfile.mkdtemp(dir=versions, prefix=_UNFINISHED))
        try:
            unfinished.chmod(0o755)
            for entry in manifest.files:
                shutil.copyfile(files[entry.path], unfinished / entry.path)
                check_file(unfinished / entry.path, entry, manifest.reference)
            if signature is not None:
                (unfinished / SIGNATURE_FILE).write_bytes(signature)
            (unfinished / MANIFEST_FILE).write_bytes(encode_manifest(manifest))
            for path in (*unfinished.iterdir(), unfinished):
                _sync(path)
            try:
                unfinished.rename(target)
            except OSError:
                if os.path.lexists(target):
                    raise already_published(manifest) from None
                raise
            _sync(versions)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)

    def _may_hold_versions(self, model: str) -> bool:
        try:
            return next(self._find_versions(model), None) is not None
        except StoreUnreachable:  # whoever asks for its versions is told why
            return True

    def _find_versions(self, model: str) -> Iterator[str]:
        if not is_name(model):
            return
        yield from find_versions(self._versions_folder(model), f"{model}/versions")

    @contextmanager
    def _opened(self, manifest: Manifest, path: str) -> Iterator[BinaryIO]:
        where = self._versions_folder(manifest.name) / manifest.version / path
        with open_file(where, f"{manifest.reference}: {path}") as file:
            if file is None:
                raise ReleaseRefused(f"{manifest.reference}: the file {path} is missing.")
            yield file

    def _versions_folder(self, model: str) -> Path:
        return self.root / model / "versions"


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
