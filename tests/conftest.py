"""What holds for every test."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# An example may take long on a machine that does something else meanwhile: that says nothing about the code.
settings.register_profile(
    "tashika", deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
settings.load_profile("tashika")
