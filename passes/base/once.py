"""Properties that are worked out once."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

_T = TypeVar("_T")


class once(Generic[_T]):  # noqa: N801 - a decorator, like `functools.cached_property`
    """A `cached_property` without the lock that Python 3.11 takes, and 3.12 gave up.

    A scan asks for a dozen, at a microsecond each, of values that no two threads share. What it
    returns takes its place in the `__dict__` of the object.
    """

    def __init__(self, method: Callable[[Any], _T]) -> None:
        """`method` works the value out."""
        self._method = method
        self.__doc__ = method.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, instance: Any, owner: type | None = None) -> _T:
        """The value."""
        value: _T = self._method(instance)
        instance.__dict__[self._name] = value
        return value
