"""Who sees whom: elevation, azimuth and range, visibility, the geostationary arc, passes."""
