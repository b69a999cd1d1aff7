"""A month of a lab by the calendar: two rigs with small disks, nights with faults, a look from outside at each dawn.

``scripts/month.py`` runs it.  ``calendar`` draws the days from a seed; ``people`` record, err and mend; ``clock`` is
the time of all processes; ``world`` has rigs, disks, database and archive; ``nights`` runs what is scheduled; ``board``
and ``morning`` hold what the product says against what ``look`` finds by itself; ``ending`` brings everything back.
"""
