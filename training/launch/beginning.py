"""The beginning of a run in its folder: looked at first, and written once nothing is refused any more."""

from rich.console import Console

from training.config import Configuration
from training.data import Pictures
from training.data.record import SetRecord
from training.launch.same_set import require_same_set, write_record
from training.launch.transfer import Transfer
from training.presets import find_preset
from training.run.environment import write_environment
from training.run.folder import Run, replace_text
from training.run.real import write_real


def require_own_run(
    configuration: Configuration, pictures: Pictures, run: Run, console: Console
) -> SetRecord:
    """Return what the set is known by, for a run folder that is empty or holds this run; write nothing.

    Raises:
        RunError: it holds another run, or one of other pictures.
    """
    run.require_same(configuration, pictures.shape)
    return require_same_set(configuration, pictures, run, console)


def begin_run(
    configuration: Configuration, pictures: Pictures, run: Run, record: SetRecord, transfer: Transfer | None
) -> None:
    """Write what the run folder says of a run that begins, perhaps by a `transfer`, or goes on.

    Raises:
        RunError: it holds another run by now.
        OSError: it cannot be written.
    """
    run.start(configuration, pictures.shape)
    write_record(run, record)
    write_environment(run)
    if transfer:
        replace_text(run.origin_path, transfer.model_dump_json(indent=2) + "\n")
    if not run.real_path.exists():
        classes = find_preset(configuration.preset).label_classes(pictures.shape)
        write_real(run.real_path, pictures.images, pictures.labels, len(classes))
