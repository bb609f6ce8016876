"""JSON by orjson, in and out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any

import orjson
from django.http import HttpResponse
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer

OPTIONS = orjson.OPT_NON_STR_KEYS | orjson.OPT_UTC_Z | orjson.OPT_SERIALIZE_NUMPY
JSON = "application/json"


class OrjsonRenderer(BaseRenderer):
    media_type = JSON
    format = "json"
    charset = None

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        return b"" if data is None else orjson.dumps(data, default=str, option=OPTIONS)


class OrjsonParser(BaseParser):
    media_type = JSON

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        return loads(stream.read())


def loads(body: bytes) -> Any:
    """The value of a JSON text; raises DRF's ``ParseError`` (400) with where it is broken."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ParseError(f"expected JSON; {error}", code="not_json") from error


def json_response(data: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> HttpResponse:
    """An answer without DRF's negotiation, for the hot paths."""
    body = orjson.dumps(data, default=str, option=OPTIONS)
    answer = HttpResponse(body, content_type=JSON, status=status, headers=dict(headers or {}))
    answer.headers["Content-Length"] = str(len(body))
    return answer
