"""A model store in a folder of this machine."""

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from service.errors import ModelNotFound, ReleaseRefused
from service.manifest import MANIFEST_FILE, Manifest, is_name
from service.store.aliases import ALIASES_FILE, Aliases, aliases_moved
from service.store.publication import (
    already_published,
    check_bytes,
    check_file,
    check_size,
    entry_of,
    parse_manifest,
    version_order,
)

_UNFINISHED = ".unfinished-"


class FolderStore:
    """Releases under `root`; a publication becomes visible by one atomic rename."""

    failure = None

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def location(self) -> str:
        """The folder's path."""
        return str(self.root)

    def models(self) -> list[str]:
        """Names of the models that have a version, in order."""
        if not self.root.is_dir():
            return []
        return sorted(entry.name for entry in self.root.iterdir() if self.versions(entry.name))

    def versions(self, model: str) -> list[str]:
        """Versions of `model` that have a manifest, oldest first."""
        folder = self._versions_folder(model)
        if not is_name(model) or not folder.is_dir():
            return []
        names = (entry.name for entry in folder.iterdir() if (entry / MANIFEST_FILE).is_file())
        return sorted(filter(is_name, names), key=version_order)

    def manifest(self, model: str, version: str) -> Manifest:
        """The manifest of one version; see `Store.manifest`."""
        where = f"{model}@{version}"
        if not (is_name(model) and is_name(version)):
            raise ModelNotFound(f"There is no {where} in {self.location}.")
        try:
            text = (self._versions_folder(model) / version / MANIFEST_FILE).read_bytes()
        except FileNotFoundError:
            raise ModelNotFound(f"There is no {where} in {self.location}.") from None
        return parse_manifest(text, model, version)

    def read(self, manifest: Manifest, path: str) -> bytes:
        """The checked bytes of a file of the release; see `Store.read`."""
        entry = entry_of(manifest, path)
        with self._opened(manifest, path) as file:
            check_size(os.fstat(file.fileno()).st_size, entry, manifest.reference)
            content = file.read(entry.size_bytes)
        check_bytes(content, entry, manifest.reference)
        return content

    def fetch(self, manifest: Manifest, path: str, target: Path) -> None:
        """Copy a checked file of the release to `target`; see `Store.fetch`."""
        entry = entry_of(manifest, path)
        with self._opened(manifest, path) as file, target.open("wb") as copy:
            check_size(os.fstat(file.fileno()).st_size, entry, manifest.reference)
            shutil.copyfileobj(file, copy)
        check_file(target, entry, manifest.reference)

    def aliases(self, model: str, known: Aliases | None = None) -> Aliases:
        """The aliases of `model`; see `Store.aliases`."""
        path = self.root / model / ALIASES_FILE
        if not is_name(model) or not path.is_file():
            return Aliases()
        text = path.read_bytes()
        revision = hashlib.sha256(text).hexdigest()
        if known and known.revision == revision:
            return known
        return Aliases.from_json(text, revision, where=f"{model}/{ALIASES_FILE}")

    def swap_aliases(self, model: str, old: Aliases, new: Aliases) -> None:
        """Write `new` if the file is still `old`'s; see `Store.swap_aliases`."""
        with self._locked(model):
            if self.aliases(model).revision != old.revision:
                raise aliases_moved(model)
            with tempfile.NamedTemporaryFile(dir=self.root / model, prefix=_UNFINISHED, delete=False) as file:
                file.write(new.to_json())
                file.flush()
                os.fsync(file.fileno())
            Path(file.name).chmod(0o644)
            Path(file.name).replace(self.root / model / ALIASES_FILE)

    def publish(self, manifest: Manifest, files: Mapping[str, Path]) -> None:
        """Add a release, all of it or nothing; see `Store.publish`."""
        versions = self._versions_folder(manifest.name)
        versions.mkdir(parents=True, exist_ok=True)
        if (versions / manifest.version).exists():
            raise already_published(manifest)
        unfinished = Path(tempfile.mkdtemp(dir=versions, prefix=_UNFINISHED))
        try:
            unfinished.chmod(0o755)
            for entry in manifest.files:
                shutil.copyfile(files[entry.path], unfinished / entry.path)
                check_file(unfinished / entry.path, entry, manifest.reference)
            (unfinished / MANIFEST_FILE).write_text(
                manifest.model_dump_json(indent=2) + "\n", encoding="utf-8"
            )
            for path in (*unfinished.iterdir(), unfinished):
                _sync(path)
            try:
                unfinished.rename(versions / manifest.version)
            except OSError:
                raise already_published(manifest) from None
            _sync(versions)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)

    def _opened(self, manifest: Manifest, path: str) -> BinaryIO:
        try:
            return (self._versions_folder(manifest.name) / manifest.version / path).open("rb")
        except FileNotFoundError:
            raise ReleaseRefused(f"{manifest.reference}: the file {path} is missing.") from None

    def _versions_folder(self, model: str) -> Path:
        return self.root / model / "versions"

    @contextmanager
    def _locked(self, model: str) -> Iterator[None]:
        with (self.root / model / ".aliases.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
