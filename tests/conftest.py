"""What every test shares: Hypothesis runs the same cases on every machine, in bounded time."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "cadastre", derandomize=True, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("cadastre")
