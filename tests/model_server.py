"""TEST DOUBLE of an OpenAI-compatible endpoint: it speaks the protocol, and there is no model.

The protocol is that of https://platform.openai.com/docs/api-reference/chat-streaming:
``POST /v1/chat/completions`` with a bearer key, answered by server-sent events that end with
``[DONE]``, or by a status and a JSON object ``error``. Only Python's own library is used, so
that it also runs as ``python3 -c``: ``HOST``, ``PORT`` and ``KEY`` are in the environment.

The name of the model says how it behaves:

===========  =====================================================================
``echo``     the question, word by word
``busy``     429 to the first two tries of a request, then as ``echo``
``broken``   500, always
``leaky``    403 with the key in the reason
``patient``  the first word, the rest after it was heard (``heard``)
``silent``   half an answer, then nothing, and the connection stays
``cut``      half an answer, and the connection is closed
``fault``    half an answer, then an ``error`` amid the stream
``page``     200 with a page of HTML
===========  =====================================================================

Any other name is answered with 404, another key with 401.
"""

from __future__ import annotations

import json
import os
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PATH = "/v1/chat/completions"
FIRST_TRIES = 2
PATIENCE_SECONDS = 10.0
PAUSE_SECONDS = 0.05
"""Between two words, so that they are not read in one."""


class ModelServer(ThreadingHTTPServer):
    """Serves until it is shut down; ``tries`` counts the requests of each model.

    Whoever has read the first word of ``patient`` sets ``heard``.
    """

    daemon_threads = True

    def __init__(self, address: tuple[str, int], key: str) -> None:
        super().__init__(address, Handler)
        self.key = key
        self.tries: Counter[str] = Counter()
        self.over = threading.Event()
        self.heard = threading.Event()

    def shutdown(self) -> None:
        """Stop, and let whoever is silent end."""
        self.over.set()
        super().shutdown()


class Handler(BaseHTTPRequestHandler):
    """One request."""

    server: ModelServer

    def do_POST(self) -> None:
        """Answer as the model's name says."""
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        model, question = asked["model"], asked["messages"][-1]["content"]
        self.server.tries[model] += 1
        behave = getattr(self, f"as_{model}", None)
        if self.path != PATH or not asked["stream"]:
            self.refuse(404, "not a request that is known here")
        elif self.headers["Authorization"] != f"Bearer {self.server.key}":
            self.refuse(401, "Incorrect API key provided")
        elif behave is None:
            self.refuse(404, f"The model {model} does not exist")
        else:
            behave(question)

    def as_echo(self, question: str) -> None:
        """All words, the reason for the end, and the end."""
        self.begin("text/event-stream")
        self.rest(question.split(" "))

    def as_busy(self, question: str) -> None:
        """Refuse until it was asked often enough."""
        if self.server.tries["busy"] % (FIRST_TRIES + 1):
            self.refuse(429, "Rate limit reached")
        else:
            self.as_echo(question)

    def as_broken(self, question: str) -> None:
        """Say that it is our own fault."""
        self.refuse(500, "The server had an error")

    def as_leaky(self, question: str) -> None:
        """Say the secret, as a careless endpoint may."""
        self.refuse(403, f"key {self.server.key} has no access")

    def as_patient(self, question: str) -> None:
        """Go on once somebody listens."""
        self.half(question)
        if self.server.heard.wait(PATIENCE_SECONDS):
            self.rest(question.split(" ")[1:])

    def as_silent(self, question: str) -> None:
        """Begin, and leave the other side waiting."""
        self.half(question)
        self.server.over.wait()

    def as_cut(self, question: str) -> None:
        """Begin, and go away."""
        self.half(question)

    def as_fault(self, question: str) -> None:
        """Begin, and fail."""
        self.half(question)
        self.event(json.dumps({"error": {"message": "overloaded amid the answer"}}))

    def as_page(self, question: str) -> None:
        """Answer as a proxy's login page would."""
        self.begin("text/html")
        self.wfile.write(b"<html>log in first</html>\n")

    def rest(self, words: list[str]) -> None:
        """These words, the reason for the end, and the end."""
        for word in words:
            self.send({"content": f"{word} "})
        self.send({}, finish="stop")
        self.event("[DONE]")

    def half(self, question: str) -> None:
        """The first word of an answer."""
        self.begin("text/event-stream")
        self.send({"content": f"{question.split(' ', maxsplit=1)[0]} "})

    def begin(self, kind: str) -> None:
        """A good status; the body ends with the connection."""
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.end_headers()

    def send(self, delta: dict[str, str], finish: str | None = None) -> None:
        """One piece of the answer."""
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        self.event(json.dumps({"object": "chat.completion.chunk", "choices": [choice]}))
        self.server.over.wait(PAUSE_SECONDS)

    def event(self, data: str) -> None:
        """One server-sent event."""
        self.wfile.write(f"data: {data}\n\n".encode())
        self.wfile.flush()

    def refuse(self, status: int, why: str) -> None:
        """A status and the reason as an object."""
        body = json.dumps({"error": {"message": why, "type": "test_double"}}).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the library's name)
        """Say nothing."""


if __name__ == "__main__":
    address = (os.environ["HOST"], int(os.environ["PORT"]))
    with ModelServer(address, os.environ["KEY"]) as made:
        print("serving", flush=True)  # noqa: T201 (for whoever started it)
        made.serve_forever()
