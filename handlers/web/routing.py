"""Routing: addresses as OpenAPI writes them."""

import re

from tornado.routing import URLSpec
from tornado.web import RequestHandler

_PARAMETER = re.compile(r"\{(\w+)\}")


class Route(URLSpec):
    """A `URLSpec` that remembers its template."""

    def __init__(self, template: str, handler: type[RequestHandler], name: str) -> None:
        """`template` is such as `/api/v1/spots/{spot_id}`; a parameter is one segment, or a part of one."""
        self.template = template
        self.parameters = _PARAMETER.findall(template)
        fixed = map(re.escape, _PARAMETER.split(template)[::2])
        super().__init__("([^/]+)".join(fixed), handler, name=name)
