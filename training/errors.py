"""The one tree of what may go wrong in training: each message is a sentence for the person."""


class TrainingProblem(Exception):
    """Something that keeps a run from starting, going on or being released, explained in words."""


class ConfigurationError(TrainingProblem):
    """A configuration that cannot be used; the message names the field and what to write instead."""


class DataError(TrainingProblem):
    """Training data that is missing or damaged; the message names the file and what to do."""


class RunError(TrainingProblem):
    """A run folder that cannot be used; the message names the file and what to do."""


class NotFiniteError(TrainingProblem):
    """A loss or a weight that is NaN or infinite; the message names the batch."""


class DivergenceError(TrainingProblem):
    """The end of a run that has no numbers any more; names the last good checkpoint and what to try."""


class ExportError(TrainingProblem):
    """A graph that is missing, altered, or does not draw what Keras draws; it cannot be published."""


class CopiedError(TrainingProblem):
    """Drawings of which too many are copies of training pictures, or that were never looked for."""


class EvaluationError(TrainingProblem):
    """A run or a feature network that cannot be measured; the message says what is missing."""
