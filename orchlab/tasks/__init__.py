"""The invoke surface: each task parses its arguments and makes one call.

===============  ==========================================
``common``       the decorator, and help that tasks share
``lab``          doctor, images, compare, report, clean
``lessons``      the lessons, and what a shell needs for them
``backup``       backup, restore
``compose``      the app as a Compose stack
``swarm``        ... as a Swarm service
``swarm_nodes``  a Swarm's nodes and its status
``k8s``          ... on Kubernetes
``k8s_nodes``    a Kubernetes' nodes and its status
``agent``        a job on each of them
===============  ==========================================

Imports that take time are inside the tasks, so that ``invoke --list`` is quick.
"""
