"""The one application that the lab deploys, breaks and measures.

=================  =====================================================================
``settings.py``    what the environment may say, checked once at the start
``__main__.py``    the process: start, signals, stop
``dev.py``         the process while somebody edits the code
``drain.py``       from the signal to stop until the stop
``main.py``        the application, put together
``access.py``      around every request: id, headers, figures, log line
``log.py``         JSON lines, and what is logged at which level
``metrics.py``     figures for Prometheus
``problems.py``    every error as RFC 9457 wants it
``security.py``    the API key
``openapi.py``     the interface's description, completed
``store.py``       the counter in Redis, with a limit on how long it may take
``volume.py``      files on the disk, written all or not at all
``probe.py``       the image's health check
=================  =====================================================================

The routes: ``health.py`` (live, ready, figures), ``counter.py``, ``about.py`` (who, status,
config, items), ``files.py``, ``work.py`` (burns CPU), ``faults.py`` (breaks it on purpose).
"""
