"""Kubernetes' own end-to-end tests on the lab's cluster: checked by what no one here wrote.

==========  ==================================================
``image``   what the tests run in pods
``suite``   the program with the tests, and which are chosen
``record``  what they found, as ``docs/e2e.md``
==========  ==================================================
"""
