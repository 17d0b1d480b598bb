"""What the lab and the app cost: each figure is a ratio, measured in pairs within one run.

================  ==============================================================
``figure``        a figure: two sides, their ratio, and the limit that is promised
``figures``       the table of all figures
``stopwatch``     seconds that something takes, as a reading
``echoes``        the way by hand, in a task's own words
``compose_up``    `invoke compose-up` against the command that it echoes
``swarm_up``      three Swarm nodes against a bare shell script (``swarm_up.sh``)
``swarm_deploy``  a deployment and an update of it against `docker stack deploy`
``k8s_up``        three kind nodes against a bare `kind create cluster` (``k8s_up.sh``)
``k8s_deploy``    a deployment and an update of it against `kubectl`
``distribution``  a changed app to three nodes against `kind load`
``serving``       the app against a bare route of the same framework
``image``         the app's image against its base plus its dependencies
``probing``       what the prober costs, and how punctual it is
``report``        how long a run takes to be read, judged and drawn
``rig``           servers and load in containers, on cores of their own
``bare``          the bare route; runs inside the app's image
``table``         figures for the terminal, and as ``docs/figures.md``
``run``           ``invoke bench``: measure, keep, print, judge
================  ==============================================================

Two sides that are measured minutes apart mostly compare two moods of the machine. So
they take turns, A B B A: each pair lies close together in time, and what drifts
slowly (heat, caches, a neighbour) hits both in the same way.
"""
