"""The comparison of three filed systems by del Portillo, Cameron and Crawley (2019), computed again: docs/models/filed-systems.md."""

from overflight.study.del_portillo.systems import FiledSystem, find_filed_system, list_filed_systems
from overflight.study.del_portillo.throughput import FiledThroughput, filed_throughput

__all__ = ["FiledSystem", "FiledThroughput", "filed_throughput", "find_filed_system", "list_filed_systems"]
