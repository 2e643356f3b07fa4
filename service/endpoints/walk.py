"""`POST /latent-walk`: a way through latent space, frame by frame."""

from fastapi import APIRouter, Request, Response

from service.encoding.animation import MEDIA_TYPES
from service.endpoints.context import Context, context_of
from service.endpoints.description import describe_operation
from service.endpoints.walks import answer_walk
from service.http.negotiation import choose_format
from service.requests.schemas import WalkRequest

router = APIRouter()
DESCRIPTION = describe_operation(
    "walk",
    "Walk between key points: by default a PNG filmstrip of 60 frames.",
    WalkRequest,
    MEDIA_TYPES.values(),
    example={"seeds": [1, 5, 9], "frames": 12, "loop": True},
    required=True,
)


async def latent_walk(request: Request) -> Response:
    """Read, negotiate, answer."""
    context = context_of(request)
    context.check_room()  # before the body is read: a full queue refuses at the least cost
    order = await context.bodies.read(request, WalkRequest)
    return await answer_walk_order(context, request, order)


async def answer_walk_order(context: Context, request: Request, order: WalkRequest) -> Response:
    """The walk of `order`, in the format that it or the request's `Accept` names."""
    form = choose_format(order.format, request.headers.get("accept"), MEDIA_TYPES)
    return await answer_walk(context, request.receive, order, form)


router.add_route("/latent-walk", latent_walk, methods=["POST"])
