"""Worlds whose truth is known, stand-in platforms that show them, and the daemon between.

>>> from monitor.simulate.simulation import simulate
>>> made = simulate("quiet", Path("world"), collected=True)  # doctest: +SKIP
>>> [str(account) for account in made.accounts]  # doctest: +SKIP

`worlds` makes them from scenarios, `platforms` shows them over HTTP, `run` collects them on the
time of `virtual`, `truth` writes them, `compare` holds what was collected beside them.
"""
