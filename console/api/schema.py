"""The description of the API itself."""

from __future__ import annotations

from typing import Annotated

from fastapi import Request, Response

from console.access import Visit
from console.api.describing import told
from console.api.routing import needs, resource

router = resource("Description")


@router.get("/openapi.json", **told(dict, "This description", example={"openapi": "3.1.0"}))
def get_openapi(_visit: Annotated[Visit, needs(None)], request: Request) -> Response:
    """OpenAPI 3.1."""
    return Response(request.app.state.openapi, media_type="application/json")
