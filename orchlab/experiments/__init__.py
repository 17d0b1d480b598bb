"""The questions of the lab, all behind the protocol of `base`."""
