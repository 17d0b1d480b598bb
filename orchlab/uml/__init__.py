"""Swarm's routing mesh on a kernel that has IPVS: one that the lab brings along.

A host without IPVS can still try the mesh for real: Debian's User-Mode Linux is a kernel
that runs as an ordinary program, and its modules include IPVS. It boots in a container
without privileges or network, whose file system is its root. Inside, Docker runs a swarm
of one node with the lab's own stack files.

============  =================================================================
module        holds
============  =================================================================
``machine``   the guest's image; one boot of it, bounded in time
``mesh``      what goes into the guest, and what comes out of it as a history
``judging``   what that history proves (pure)
``__main__``  one run of it as a process
``guest/``    what runs inside: start, scenario, prober
============  =================================================================
"""
