"""Capacity: from cells with their terminals, through radio, beams and flows, to the rate that an active terminal gets, slot by slot."""
