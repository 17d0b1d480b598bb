"""The one application that the lab deploys, breaks and measures.

================  ======================================================
``settings.py``   what the environment may say, checked once at the start
``store.py``      the counter in Redis, with a limit on how long it may take
``drain.py``      from the signal to stop until the stop
``main.py``       the routes
``__main__.py``   the process: start, signals, stop
``probe.py``      the image's health check
================  ======================================================
"""
