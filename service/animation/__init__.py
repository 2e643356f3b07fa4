"""From the frames of a walk to a file, a few frames at a time."""

from service.animation.encoding import MEDIA_TYPES, Encoder, FrameShape, check_fps, open_encoder

__all__ = ["MEDIA_TYPES", "Encoder", "FrameShape", "check_fps", "open_encoder"]
