"""Whether the new house holds what the old stores held: both told in one way, and compared.

Nothing of the backfill's mapping is used: what is expected is derived anew from ``schemas.legacy``.
"""
