"""Networking: N1, N3 and N4 - names, entry nodes, and what a stranger can reach."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import cast

from orchlab.apps import Feature
from orchlab.experiments import inside
from orchlab.experiments.base import (
    BOTH,
    RECOMMENDED,
    Bench,
    Needs,
    finding,
)
from orchlab.experiments.evidence import asked_between, broken_promise, entering, entries
from orchlab.platforms.base import Scalable
from orchlab.platforms.capabilities import Strangers
from orchlab.records import Finding, History

SERVICES = ("redis", "web")
ALIASES = ("tasks.web", "web.orchlab", "web.orchlab.svc.cluster.local")
"""Names that only some platforms know."""
UNKNOWN = "nobody-has-this-name"
STORE_PORT = 6379
PROBED = 8.0
NOT_ENFORCED = "not enforced"


class Names:
    """N1: every replica looks up the app's services, and talks to Redis by its name."""

    name = "names"
    row = "N1"
    question = "Does a service name resolve, from another service and node?"
    needs: Needs = (Feature.TOOLS,)
    variants = RECOMMENDED

    def run(self, bench: Bench) -> None:
        """Ask inside every replica."""
        for replica in bench.ready():
            run = partial(bench.platform.exec, replica)
            found = inside.resolve(run, (*SERVICES, *ALIASES, UNKNOWN))
            said = inside.ping(run, "redis", STORE_PORT)
            bench.mark("resolved", replica.name, node=replica.node, names=found, redis=said)

    def judge(self, history: History) -> Finding:
        """Pass when every replica finds every service, reaches Redis, and finds no other name."""
        answers = history.all("resolved")
        names = [each.detail["names"] for each in answers]
        values: dict[str, float | str] = {
            "replicas": len(answers),
            "nodes": len({each.detail["node"] for each in answers}),
            "addresses_of_redis": ", ".join(sorted({a for each in names for a in each["redis"]})),
            "also_known": ", ".join(a for a in ALIASES if all(each[a] for each in names)) or "none",
        }
        missing = sorted({name for each in names for name in SERVICES if not each[name]})
        if not answers or any(each[UNKNOWN] for each in names):
            return finding(history, "unknown", "a name that nobody has was resolved", **values)
        if missing:
            return finding(history, "fail", f"not resolved: {', '.join(missing)}", **values)
        if silent := [each.subject for each in answers if each.detail["redis"] != inside.PONG]:
            return finding(history, "fail", f"Redis not reached by {', '.join(silent)}", **values)
        return finding(history, "pass", "every replica resolves every service", **values)


class Entries:
    """N3: requests through every node, one of which has no replica of its own."""

    name = "entries"
    row = "N3"
    question = "Does every node answer on the published port, even without a replica of its own?"
    needs: Needs = (Scalable,)
    variants = RECOMMENDED

    def run(self, bench: Bench) -> None:
        """Take replicas away until a node has none, then probe; as it was at the end."""
        scalable = cast("Scalable", bench.platform)
        entered = {each.node for each in bench.platform.endpoints()}
        try:
            if len(entered) > 1 and entered <= {each.node for each in bench.ready()}:
                scalable.scale(len(entered) - 1)
            with bench.probing():
                held = Counter(each.node for each in bench.platform.replicas())
                bench.mark("replicas", nodes={node: held[node] for node in sorted(entered)})
                bench.window("baseline", PROBED)
        finally:
            scalable.scale(bench.release.replicas)

    def judge(self, history: History) -> Finding:
        """Pass when no request failed, those through a node without a replica among them.

        A platform of one node has no other to enter by.
        """
        held: dict[str, int] = history.all("replicas")[-1].detail["nodes"]
        empty = {node for node, count in held.items() if not count} & entries(history)
        every = asked_between(history, "window")
        values: dict[str, float | str] = {
            "entries": len(held),
            "without_replica": len(empty),
            "failed": str(every),
            "failed_without_replica": str(asked_between(entering(history, empty), "window")),
        }
        if every.failed or not every.total:
            summary = f"{every.failed} of {every.total} requests failed"
            return finding(history, broken_promise(history), summary, **values)
        if not empty:
            return finding(history, "limit", "there is no entry without a replica", **values)
        return finding(history, "pass", "nodes without a replica answer as well", **values)


class Isolation:
    """N4: somebody else's container tries to talk to Redis."""

    name = "isolation"
    row = "N4"
    question = "Can a stranger reach Redis?"
    needs: Needs = (Strangers, Feature.TOOLS)
    variants = BOTH

    def run(self, bench: Bench) -> None:
        """Ask from a replica, which may, and from a stranger, by Redis' name and address."""
        knobs = bench.platform.facts().knobs
        bench.mark("policies", knobs.get("network policies", ""))
        replica = bench.ready()[0]
        own = partial(bench.platform.exec, replica)
        (address, *_) = inside.resolve(own, ["redis"])["redis"]
        bench.mark("asked", "a replica", by_address=inside.ping(own, address, STORE_PORT))
        strangers = cast("Strangers", bench.platform)
        with strangers.stranger(bench.release.image) as stranger:
            bench.mark(
                "asked",
                "a stranger",
                app=inside.get(stranger.run, *stranger.app),
                by_name=inside.ping(stranger.run, *stranger.store),
                by_address=inside.ping(stranger.run, address, stranger.store[1]),
            )

    def judge(self, history: History) -> Finding:
        """Pass when Redis does not answer the stranger; both must have been able to ask."""
        replica, stranger = history.all("asked")
        policies = history.all("policies")[0].subject
        values = {
            "by_name": stranger.detail["by_name"],
            "by_address": stranger.detail["by_address"],
            **({"policies": policies} if policies else {}),
        }
        if replica.detail["by_address"] != inside.PONG or " 200 " not in stranger.detail["app"]:
            return finding(history, "unknown", "who may talk could not either", **values)
        if inside.PONG not in (stranger.detail["by_name"], stranger.detail["by_address"]):
            return finding(history, "pass", "Redis does not answer a stranger", **values)
        if NOT_ENFORCED in policies:
            summary = "Redis answers a stranger: nothing enforces the policies"
            return finding(history, "limit", summary, **values)
        return finding(history, broken_promise(history), "Redis answers a stranger", **values)
