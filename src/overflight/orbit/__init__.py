"""Where the satellites are: element sets, SGP4, frames, fleets."""
