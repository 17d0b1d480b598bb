"""What a node says of a packet filter that has dropped something."""

from __future__ import annotations

LISTING = """Chain ORCHLAB-CUT (3 references)
    pkts      bytes target     prot opt in     out     source               destination
      14      1234 DROP       all  --  *      *       198.18.0.11          0.0.0.0/0
       3       180 DROP       all  --  *      *       0.0.0.0/0            198.18.0.11
"""
