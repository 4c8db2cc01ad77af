"""Tests, in a folder for each room; those of whole processes are in `tests/process`.

Which fixtures there are is told in `tests/conftest.py`, what else is shared in `tests/support`.
"""

import pytest

# Asserts in the helpers explain themselves as those in tests do. It has to be said before the
# helpers are imported, and this package is imported first.
pytest.register_assert_rewrite("tests.support")
