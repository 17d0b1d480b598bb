"""orchlab: one app on Compose, Swarm and Kubernetes, measured side by side.

The map of the package, in the order in which a run uses it:

==================  ========================================================
``bootstrap``       makes ``.venv`` from nothing and runs a command inside it
``errors``          every exception a user can meet, drawn as a tree
``shell``           ``run(argv)``: the one gateway to external commands
``wait``            ``wait_until(check)``: the one waiter
``console``         what the user sees: steps, echoed commands, tables
``paths``, ``labels``  where files live; how the lab's Docker objects are marked
``host``, ``names``   what this machine is; names that a user may type
``guard``, ``sweep``  failures as one line and an exit code; removal by label
``credentials``     secrets that a lab makes for itself
``apps``            what is deployed and measured: the lab's own app, or somebody's
``app_file``        the file in which somebody describes theirs
``parallel``        the same for several nodes at once
``tars``            tar archives of what is in memory
``tasks``           the invoke surface: arguments in, one call out
``lifecycle``       what the deployment tasks do, the same for every platform
``agent``           a question to a model, as a job on a platform
``engine``          the Docker engine: found, or a private one; ``doctor``
``images``          the image catalogue, its recipes, the local registry
``backup``          the app's data in one file, and back from it
``platforms``       one adapter per orchestrator behind the same protocols
``experiments``     what is asked of each platform, and how it is judged
``lessons``         pages whose commands run, one step after another
``e2e``             Kubernetes' own tests on the lab's cluster
``prober``          open-loop HTTP probing in a process of its own
``outages``, ``metrics``  samples -> outage intervals -> what a fault cost (pure)
``records``         Event, Sample, Outage, Cell, Finding, History (frozen)
``plan``            what is asked of which platform, in which order
``runner``          platforms x experiments: a run, as planned
``lanes``, ``lane``  platforms that are measured at the same time, a process each
``session``         one platform in one block of a run
``measuring``       one experiment, carried out and judged
``uml``             Swarm's routing mesh on a kernel of the lab's own, for the tests
``results``         runs on disk; ``schema`` describes their files
``conclusion``      a run's end: judged, printed, drawn; ``junit`` for a CI
``compare_runs``    two runs side by side; ``differences`` finds what changed (pure)
``pytest_plugin``, ``testing``  fixtures for somebody's own tests
``report``          a run on disk -> one self-contained HTML page
==================  ========================================================

Nothing is imported here: ``bootstrap`` must start on a bare Python.
"""
