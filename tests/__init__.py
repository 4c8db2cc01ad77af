"""Tests: unit (pure), store (both drivers, the real embedded database), api (real sockets), process (real signals)."""
