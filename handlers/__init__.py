"""HTTP: validate, call one domain function, serialise. A module per audience; all routes in `handlers.routes`."""
