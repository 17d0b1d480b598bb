"""What ``orchlab.pytest_plugin`` hands to somebody's tests.

=============  ================================================================
``lab``        nodes and platforms that the tests of a session share
``compose``    somebody's Compose file, brought up and broken
``swarm``      a Swarm of three nodes, and somebody's stack file on it
``kind``       a cluster of three nodes, and somebody's manifests on it
``stacks``     names and derived files of what is deployed
``images``     this engine's images, where nodes pull them
``faults``     ``Fault``: breaks and restores
``probing``    ``Probing``: what clients saw meanwhile
``failed``     what stands beside a failure: logs and events
``selection``  which platforms are wanted
=============  ================================================================
"""
