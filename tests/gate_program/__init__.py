"""Tests of the gate program, `scripts/gate`."""
