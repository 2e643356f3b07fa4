"""`POST /generate`: seeds or latents in, pictures out."""

from fastapi import APIRouter, Request, Response

from service.encoding.pictures import MEDIA_TYPES
from service.endpoints.context import Context, context_of
from service.endpoints.description import describe_operation
from service.endpoints.pictures import answer_generate
from service.http.negotiation import choose_format
from service.requests.schemas import GenerateRequest

router = APIRouter()
DESCRIPTION = describe_operation(
    "generate",
    "Generate pictures: by default a PNG grid of 16 at random.",
    GenerateRequest,
    MEDIA_TYPES.values(),
    example={"seed": 7, "count": 4},
)


async def generate(request: Request) -> Response:
    """Read, negotiate, answer."""
    context = context_of(request)
    context.check_room()  # before the body is read: a full queue refuses at the least cost
    order = await context.bodies.read(request, GenerateRequest)
    return await answer_order(context, request, order)


async def answer_order(context: Context, request: Request, order: GenerateRequest) -> Response:
    """The pictures of `order`, in the format that it or the request's `Accept` names."""
    form = choose_format(order.format, request.headers.get("accept"), MEDIA_TYPES)
    return await answer_generate(context, request.receive, order, form)


# A plain Starlette route: FastAPI's own would spend more on one image than the image takes.
router.add_route("/generate", generate, methods=["POST"])
