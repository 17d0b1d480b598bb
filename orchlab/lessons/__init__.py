"""Lessons: pages of ``docs/lessons`` whose commands run.

===============  ===============================================================
``page``         a page -> what to read and what to type, in order
``terminal``     one bash for a whole lesson
``walk``         a lesson step by step, with pauses; what differs from the page
``finished``     which lessons were finished
``environment``  what a shell needs so that plain commands reach the lab
===============  ===============================================================

The format: in a block that begins with ```` ```console ````, a line ``$ command`` is typed and
``> ...`` goes on with it. The lines below are what it prints. They are compared as doctest's
``ELLIPSIS`` and ``NORMALIZE_WHITESPACE`` do: ``...`` stands for anything, any white space for
any other. The lab's name is written ``orchlab``, whatever it is. A command without a line
below it may print anything; each has to exit with 0.
"""
