"""One adapter per orchestrator, all behind the protocols of `base`."""
