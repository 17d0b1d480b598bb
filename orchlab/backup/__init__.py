"""The app's data in one file, the same for every platform, and back from it.

==============  ===========================================================
``operations``  backup and restore: what is done, in which order
``archive``     the file: a tar with a manifest; refused unless it is whole
``transfer``    files to and from the places where a platform has them
``keeper``      runs at such a place, in a helper or a replica
==============  ===========================================================

Where the places are, each adapter says (``VolumeBackup`` in ``platforms.capabilities``).
"""
