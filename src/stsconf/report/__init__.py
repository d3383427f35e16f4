"""What was found, for people and for machines.

Pure functions of a run's facts, its verdicts and its recordings: no cluster, no test runner. ``document`` is the
result that everything else could be made from again; each other module is one format.
"""
