"""``python -m orchlab.prober.control``: a static server that must never fail.

It says its port on stdout. A failed request to it is the bench's fault, not
the platform's. Ends like the prober: on SIGTERM, SIGINT or a closed stdin.
"""

from __future__ import annotations

import asyncio
import sys

from aiohttp import web

from orchlab.prober.client import REPLICA_HEADER
from orchlab.prober.stopping import stopped


async def answer(_: web.BaseRequest) -> web.Response:
    """The same answer for every path."""
    return web.Response(text="ok", headers={REPLICA_HEADER: "control"})


async def serve() -> None:
    """Serve on a free port of 127.0.0.1 until stopped."""
    runner = web.ServerRunner(web.Server(answer, access_log=None))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    sys.stdout.write(f"{runner.addresses[0][1]}\n")
    sys.stdout.flush()
    await stopped()
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(serve())
