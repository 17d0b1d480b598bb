"""The lab's own app on Compose, Swarm and Kubernetes: one test, three answers."""


def test_a_crashed_replica_is_replaced(platform, prober, fault):
    """Each of them heals a crash; what clients saw of it is printed (``pytest -rP``)."""
    victim = platform.replicas()[0]
    with prober(platform.endpoints(), path="/whoami") as seen:
        fault.crash(platform, victim)
        fault.restore()
    assert victim.id not in {each.id for each in platform.replicas() if each.ready}
    print(platform.name, seen)
