"""What is taught beside a generator, in which folder, and whether that folder is of the same lesson."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from training.data import Pictures
from training.data.record import SetRecord, record_arrays
from training.errors import RunError
from training.run.differences import name_differences
from training.run.folder import replace_text

S = TypeVar("S", bound=BaseModel)


class Taught(BaseModel):
    """The pictures that a network learns from: their size, and what their set is known by."""

    model_config = ConfigDict(frozen=True)

    height: int
    width: int
    channels: int
    record: SetRecord

    def describe(self) -> str:
        """Return them in words: `150 pictures, 64x64 of 3 channels`."""
        return f"{self.record.count:,} pictures, {self.width}x{self.height} of {self.channels} channels"


@dataclass(frozen=True, slots=True)
class Course:
    """What is taught, and how long."""

    name: str
    """`encoder`, or `enlarger`."""
    folder: Path
    """Where its settings and states lie."""
    steps: int
    learning_rate: float

    @property
    def path(self) -> Path:
        """Where it is said with which settings it learns, for which drawings and from which pictures."""
        return self.folder / f"{self.name}.json"


def begin_folder(
    course: Course, settings: BaseModel, drawn: str, pictures: Pictures, changeable: frozenset[str]
) -> None:
    """Write with which settings a network learns, for which drawings and from which pictures.

    `changeable` are the settings that may be others when it goes on. Pictures of the same names and classes
    whose pixels alone are others, as another library decodes them, are the same.

    Raises:
        RunError: the folder holds one with other settings, for another generator, or from other pictures.
    """
    kept = read_kept(course.path, type(settings))
    taught = describe_taught(pictures)
    elsewise = f"Remove {course.folder} to begin anew."
    if kept is not None:
        before, known, learnt = kept
        changed = {name: getattr(settings, name) for name in changeable}
        if known != drawn:
            raise RunError(
                f"The {course.name} in {course.folder} learnt for another export: its generator drew other "
                f"pictures than this one does. {elsewise}"
            )
        if before.model_copy(update=changed) != settings:
            differences = name_differences(before.model_copy(update=changed), settings)
            raise RunError(f"{course.path} holds other settings: {differences}. {elsewise}")
        if learnt is not None and not are_same(learnt, taught):
            raise RunError(
                f"The {course.name} in {course.folder} learns from other pictures: {learnt.describe()} "
                f"there, {taught.describe()} here. {elsewise}"
            )
    course.folder.mkdir(parents=True, exist_ok=True)
    content = {"drawn": drawn, "settings": settings.model_dump(), "pictures": taught.model_dump()}
    replace_text(course.path, json.dumps(content, indent=2) + "\n")


def describe_taught(pictures: Pictures) -> Taught:
    """Return what pictures are known by."""
    shape = pictures.shape
    record = pictures.record or record_arrays(pictures.images, pictures.labels, shape.class_names)
    return Taught(height=shape.height, width=shape.width, channels=shape.channels, record=record)


def are_same(before: Taught, now: Taught) -> bool:
    """Whether pictures are of the same size, number, names and classes; of arrays, the same pictures."""
    if before.record.is_of_other_pixels(now.record):
        return False
    decoded = {"content": before.record.content, "raw": before.record.raw}
    return before == now.model_copy(update={"record": now.record.model_copy(update=decoded)})


def read_kept(path: Path, settings: type[S]) -> tuple[S, str, Taught | None] | None:
    """Return the settings, the drawings and the pictures of what learns in a folder; None where nothing does.

    The pictures are None where it began before they were recorded.

    Raises:
        RunError: what is said there is damaged.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
        taught = Taught.model_validate(content["pictures"]) if "pictures" in content else None
        return settings.model_validate(content["settings"]), str(content["drawn"]), taught
    except FileNotFoundError:
        return None
    except (KeyError, TypeError, ValueError, ValidationError) as error:
        raise RunError(f"{path} is damaged. Remove {path.parent} to begin anew.") from error
