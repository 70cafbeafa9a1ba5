"""Which ways lead from a satellite to a point of presence: lasers, gateways, least-delay routes."""
