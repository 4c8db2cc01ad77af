"""Routing: addresses as OpenAPI writes them, `/api/v1/spots/{spot_id}`."""

import re

from tornado.routing import URLSpec
from tornado.web import RequestHandler

_PARAMETER = re.compile(r"\{(\w+)\}")


class Route(URLSpec):
    """A `URLSpec` that remembers its template."""

    def __init__(self, template: str, handler: type[RequestHandler], name: str) -> None:
        """A parameter of the template is one segment of the path, or a part of one."""
        self.template = template
        self.parameters = _PARAMETER.findall(template)
        # Split at its parameters, a template gives in turn what is fixed and the name of one.
        fixed = _PARAMETER.split(template)[::2]
        pattern = "([^/]+)".join(map(re.escape, fixed))
        super().__init__(pattern, handler, name=name)
