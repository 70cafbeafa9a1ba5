"""The ground: geodesy on WGS-84, H3 cells, territories and their people."""
