"""What one request may ask for, checked before anything is allocated for it."""

from foundation.errors import InvalidField
from foundation.manifest import ImageOutput
from service.encoding.animation import check_fps
from service.encoding.pictures import fits_format, grid_size
from service.requests.request_inputs import request_count
from service.requests.schemas import GenerateRequest, WalkRequest
from service.settings import Settings


def check_generate(request: GenerateRequest, image: ImageOutput, format: str, settings: Settings) -> int:
    """Hold a request for images against the settings' limits; the pixels of the grid it asks for.

    Raises:
        InvalidField: it asks for too many images, or too large a response.
    """
    count = request_count(request)
    field = "seeds" if request.seeds else "latents" if request.latents else "count"
    _check_images(count, field, settings)
    height, width = grid_size(
        count,
        image.height,
        image.width,
        columns=request.columns,
        padding=request.padding,
        scale=request.scale,
    )
    _check_pixels(height * width, settings)
    _check_side(format, height, width)
    return height * width


def check_walk(request: WalkRequest, image: ImageOutput, format: str, settings: Settings) -> None:
    """Hold a request for a walk against the settings' limits.

    Raises:
        InvalidField: it asks for too many frames, or too large a response.
    """
    check_fps(format, request.fps)
    _check_images(request.frames, "frames", settings)
    height, width = image.height * request.scale, image.width * request.scale
    whole = not request.stream  # of a stream a few frames are there at a time
    _check_pixels(height * width * (request.frames if whole else 1), settings)
    _check_side(format, height, width * request.frames if format == "png" and whole else width)


def _check_images(count: int, field: str, settings: Settings) -> None:
    if count > settings.max_images_per_request:
        raise InvalidField(
            field, f"asks for {count:,} images; one request may have {settings.max_images_per_request:,}"
        )


def _check_pixels(pixels: int, settings: Settings) -> None:
    if pixels > settings.max_pixels_per_response:
        raise InvalidField(
            "scale",
            f"the response would have {pixels:,} pixels; it may have {settings.max_pixels_per_response:,}. "
            "Ask for fewer images or a smaller scale, padding or number of columns",
        )


def _check_side(format: str, height: int, width: int) -> None:
    if not fits_format(format, height, width):
        raise InvalidField("format", f"{format} cannot hold {width:,}×{height:,} pixels; try png")
