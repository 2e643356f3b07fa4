"""What doubles the pictures of a generator that is there: a small network behind it, which learns in minutes.

A generator of small pictures is trained several times as fast as one of large ones. What is missing in its
drawings is what small pictures never show, and that can be learnt from pairs: real pictures, and the same
made small, as the second stage of a cascade does (Denton et al., arXiv:1506.05751; Zhang et al.,
arXiv:1612.03242; Ho et al., arXiv:2106.15282). Like an encoder it learns for a release from its graph alone.
It imports the data, networks, runs and exports; only the command line imports it.
"""
