"""What a release needs to find a picture in its latent space: two more graphs, and how to use them.

`encoder.onnx` guesses, and `gradient.onnx` says which way the guess is wrong; a reader that knows neither
reads the release as ever. In both, pictures are float32 (n, height, width, channels) in [-1, 1] as the
generator draws them, before they become bytes: of four channels the colours are multiplied by alpha. The
batch dimension is free, and no picture of a batch has a part in what becomes of another.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

ENCODER_GRAPH, GRADIENT_GRAPH = "encoder.onnx", "gradient.onnx"
PICTURES, LATENTS, LABELS = "pictures", "latents", "labels"
GRADIENTS, DISTANCES = "gradients", "distances"

MAX_STEPS = 1000
MAX_RATE = 10.0
MAX_FIGURES = 100

ADAM, LBFGS = "adam", "l-bfgs"
OptimizerName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,40}$")]
FigureName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{1,100}$")]
FigureValue = Annotated[float, Field(allow_inf_nan=False)]


class Projection(BaseModel):
    """A manifest's `projection`: how far to go from the encoder's guess, and how near that comes.

    It stands for two files of the release, and only beside both. `encoder.onnx`: `pictures` in, `latents`
    float32 (n, Z) out and, of a release with classes, `labels` float32 (n, classes), which sum to 1.
    `gradient.onnx`: `latents`, `labels` of a release with classes, and `pictures` in; out `distances`
    float32 (n,), the mean squared difference of what is drawn from `pictures`, and `gradients` float32
    (n, Z), of that distance and of `prior` times the latent's mean square, by the latents.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    steps: int = Field(ge=0, le=MAX_STEPS)
    """By `optimizer`, on the latents alone."""
    optimizer: OptimizerName = ADAM
    """What `steps` and `figures` are of; releases that say nothing are of the time when it was Adam."""
    rate: float = Field(gt=0, le=MAX_RATE)
    """Adam's, in units of the latent, and how far the first step goes where no curvature is known."""
    prior: float = Field(default=0.0, ge=0, le=1)
    """The weight of the latent's mean square in `gradients`: it keeps latents where the generator learnt."""
    figures: dict[FigureName, FigureValue] = Field(default_factory=dict, max_length=MAX_FIGURES)
    """How near pictures come that nobody trained on, beside the plain ways: `training.encoder.figures`."""

    @property
    def steps_taken(self) -> int:
        """How many `foundation.descent` takes for it: half of Adam's bring pictures nearer."""
        return -(-self.steps // 2) if self.optimizer == ADAM else self.steps
