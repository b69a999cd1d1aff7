"""The fault campaign: random nights over a growing lab, and a checker that shares no decision with the product.

``scripts/campaign.py`` runs it.  ``plan`` draws a schedule from a seed, ``acts`` carries it out on a ``world``,
``look`` reads disk, archive, database and tasks by itself, ``check`` and ``said`` hold them against the invariants,
``calm`` ends a schedule in peace, ``play`` makes one that broke a promise as short as it gets, ``cycles`` is the soak,
and ``mutating`` breaks the product on purpose.
"""
