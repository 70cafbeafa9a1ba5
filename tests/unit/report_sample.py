"""Invented but plausible findings, to draw reports from without a simulation."""

from dataclasses import replace

import numpy as np
import shapely

from overflight.clock import parse_time
from overflight.earth.cells import cell_centres, cells_of_polygon
from overflight.study.findings import (
    Assumption,
    Coverage,
    FleetFindings,
    LandingSite,
    Latency,
    PolicyStatus,
    Sensitivity,
    TerritoryFindings,
)

START = parse_time("2026-08-22T00:00:12Z")

OUTLINES = {
    "TW": shapely.Polygon(
        [
            (121.5, 25.3),
            (122.0, 25.0),
            (121.8, 24.4),
            (121.6, 23.9),
            (121.4, 23.1),
            (121.0, 22.6),
            (120.85, 21.9),
            (120.6, 22.3),
            (120.3, 22.6),
            (120.1, 23.1),
            (120.15, 23.7),
            (120.6, 24.3),
            (121.0, 25.0),
        ]
    ),
    "FJ": shapely.MultiPolygon(
        [
            shapely.Polygon([(177.3, -17.6), (178.0, -17.3), (178.7, -17.8), (178.4, -18.2), (177.6, -18.2)]),
            shapely.Polygon([(178.5, -16.8), (179.3, -16.4), (180.0, -16.1), (180.0, -16.2), (179.3, -16.9), (178.7, -17.0)]),
            shapely.box(-180.0, -16.95, -179.85, -16.7),
            shapely.box(-178.8, -18.3, -178.7, -18.15),
        ]
    ),
    "NR": shapely.Point(166.93, -0.53).buffer(0.03),
    "AQ": shapely.MultiPolygon(
        [shapely.Point(166.67, -77.85).buffer(0.15), shapely.Point(110.5, -66.28).buffer(0.1), shapely.box(-180.0, -90.0, 180.0, -89.85)]
    ),
    "UA": shapely.Polygon(
        [
            (22.2, 48.4),
            (23.6, 51.6),
            (30.5, 51.3),
            (32.0, 52.2),
            (34.2, 52.2),
            (38.0, 49.9),
            (40.1, 49.6),
            (38.2, 47.2),
            (35.2, 46.4),
            (36.5, 45.3),
            (33.7, 44.4),
            (32.6, 45.6),
            (33.5, 46.1),
            (30.8, 46.5),
            (28.3, 45.4),
            (29.9, 46.5),
            (26.6, 48.2),
            (24.9, 47.7),
        ]
    ),
    "TR": shapely.Polygon(
        [
            (26.1, 40.2),
            (28.0, 42.0),
            (29.2, 41.2),
            (31.4, 41.3),
            (35.0, 42.0),
            (38.3, 41.0),
            (41.5, 41.5),
            (43.6, 41.1),
            (44.8, 39.7),
            (44.3, 38.0),
            (44.8, 37.2),
            (42.4, 37.1),
            (38.8, 36.7),
            (36.2, 35.9),
            (36.0, 36.9),
            (34.0, 36.3),
            (32.4, 36.1),
            (30.6, 36.9),
            (29.1, 36.3),
            (27.3, 37.0),
            (26.3, 38.3),
        ]
    ),
    "TO": shapely.MultiPolygon(
        [
            shapely.box(-175.36, -21.26, -175.05, -21.07),
            shapely.box(-174.97, -21.45, -174.9, -21.3),
            shapely.box(-174.4, -19.85, -174.3, -19.7),
            shapely.box(-174.08, -18.7, -173.92, -18.59),
            shapely.box(-175.67, -15.62, -175.61, -15.57),
        ]
    ),
    "ZA": shapely.Polygon(
        [
            (29.1, -22.2),
            (31.3, -22.4),
            (32.0, -24.5),
            (32.0, -26.0),
            (30.8, -26.8),
            (31.7, -27.3),
            (32.9, -26.9),
            (32.4, -28.5),
            (30.0, -31.3),
            (27.9, -33.1),
            (25.6, -34.0),
            (22.6, -34.0),
            (20.0, -34.8),
            (18.4, -34.3),
            (17.9, -32.8),
            (18.2, -31.7),
            (16.5, -28.6),
            (17.5, -28.7),
            (20.0, -28.5),
            (20.0, -24.8),
            (20.8, -25.9),
            (20.7, -26.8),
            (23.1, -25.3),
            (25.4, -25.7),
            (25.9, -24.8),
            (28.2, -22.7),
        ]
    ),
}
NAMES = {
    "TW": ("Taiwan", "Taïwan", 23.4e6, 36_197.0, "date-unknown"),
    "FJ": ("Fiji", "Fidji", 924_610.0, 18_274.0, "served"),
    "NR": ("Nauru", "Nauru", 11_680.0, 21.0, "announced"),
    "AQ": ("Antarctica", "Antarctique", 1_100.0, 14.2e6, "served"),
    "UA": ("Ukraine", "Ukraine", 37.9e6, 603_550.0, "split"),
    "TO": ("Tonga", "Tonga", 103_197.0, 747.0, "served"),
    "ZA": ("South Africa", "Afrique du Sud", 57.8e6, 1_220_010.0, "date-unknown"),
    "TR": ("Türkiye", "Turquie", 85.8e6, 783_356.0, "pending-regulator"),
}
GATEWAYS = {
    "TW": [
        ("Yamaguchi, Japan", "JP", 34.186, 131.471, 0.52),
        ("Nueva Vizcaya, Philippines", "PH", 16.423, 121.114, 0.31),
        ("Angeles, Philippines", "PH", 15.145, 120.589, 0.11),
        ("Hitachinaka, Japan", "JP", 36.397, 140.535, 0.057),
        ("Guam", "GU", 13.44, 144.79, 0.003),
    ],
    "FJ": [("Suva, Fiji", "FJ", -18.142, 178.442, 0.91), ("Puwera, New Zealand", "NZ", -35.79, 174.28, 0.09)],
    "NR": [("Suva, Fiji", "FJ", -18.142, 178.442, 0.61), ("Guam", "GU", 13.44, 144.79, 0.39)],
    "AQ": [
        ("Punta Arenas, Chile", "CL", -53.12, -70.88, 0.44),
        ("Awarua, New Zealand", "NZ", -46.52, 168.38, 0.36),
        ("Puwera, New Zealand", "NZ", -35.79, 174.28, 0.2),
    ],
    "UA": [
        ("Wola Krobowska, Poland", "PL", 51.84, 20.9, 0.55),
        ("Kaunas, Lithuania", "LT", 54.9, 23.9, 0.2),
        ("Izmir, Turkey", "TR", 38.4, 27.1, 0.15),
        ("Roman, Romania", "RO", 46.9, 26.9, 0.1),
    ],
    "TR": [("Muallim, Turkey", "TR", 40.8, 29.4, 1.0)],
    "TO": [("Suva, Fiji", "FJ", -18.142, 178.442, 0.72), ("Puwera, New Zealand", "NZ", -35.79, 174.28, 0.28)],
    "ZA": [
        ("Lekki, Nigeria", "NG", 6.44, 3.47, 0.44),
        ("Ikire, Nigeria", "NG", 7.37, 4.19, 0.36),
        ("Nairobi, Kenya", "KE", -1.3, 36.8, 0.2),
    ],
}
POPS = {
    "TW": [("Tokyo", "JP", 35.68, 139.77, 1.0)],
    "FJ": [("Auckland", "NZ", -36.85, 174.76, 1.0)],
    "NR": [("Sydney", "AU", -33.87, 151.21, 0.7), ("Manila", "PH", 14.6, 120.98, 0.3)],
    "AQ": [("Santiago", "CL", -33.45, -70.67, 0.44), ("Auckland", "NZ", -36.85, 174.76, 0.56)],
    "UA": [("Warsaw", "PL", 52.23, 21.01, 0.9), ("Sofia", "BG", 42.7, 23.32, 0.1)],
    "TO": [("Auckland", "NZ", -36.85, 174.76, 1.0)],
    "ZA": [("Johannesburg", "ZA", -26.2, 28.05, 1.0)],
    "TR": [("Istanbul", "TR", 41.01, 28.97, 0.6), ("Sofia", "BG", 42.7, 23.32, 0.4)],
}


def make_latency(middle_ms: float, *, space_ms: float = 7.0, isl_ms: float = 3.0, seed: int = 1) -> Latency:
    """Return a skewed distribution about a median."""
    random = np.random.default_rng(seed)
    light = space_ms + isl_ms + random.gamma(2.0, 1.6, 40_000)
    whole = light + middle_ms - space_ms - isl_ms - 2.7 + random.normal(0.0, 2.0, 40_000)
    edges = np.arange(0.0, 201.0)
    p20, p50, p80 = np.percentile(whole, [20, 50, 80])
    return Latency(
        p20_ms=p20,
        p50_ms=p50,
        p80_ms=p80,
        propagation_p50_ms=float(np.median(light)),
        user_link_p50_ms=space_ms * 0.55,
        isl_p50_ms=isl_ms,
        feeder_p50_ms=space_ms * 0.45,
        backhaul_p50_ms=float(np.median(light)) - space_ms - isl_ms,
        access_p50_ms=p50 - float(np.median(light)),
        histogram_edges_ms=edges,
        histogram_density=np.histogram(whole, edges)[0] / 40_000,
        propagation_density=np.histogram(light, edges)[0] / 40_000,
    )


def no_latency() -> Latency:
    """Return what is found where nothing is served."""
    edges = np.arange(0.0, 201.0)
    return Latency(None, None, None, None, None, None, None, None, None, edges, np.zeros(200), np.zeros(200))


def make_fleet(
    code: str, cells, *, name: str = "starlink", title: str = "Starlink", slots: int = 5760, level: float = 38.0, seed: int = 3
) -> FleetFindings:
    """Return findings of one constellation over given cells."""
    random = np.random.default_rng(seed)
    lat, _lon = cell_centres(cells)
    wave = np.sin(np.arange(slots) / 37.0) * 4 + np.sin(np.arange(slots) / 5.3) * 2 + random.normal(0, 0.7, slots)
    in_view = level + wave
    usable = 0.62 * level + 0.7 * wave
    spread = 0.0 if len(cells) == 1 else 2.5
    usable_min = np.floor(np.maximum(usable - 2 * spread, 0))
    gateways = tuple(LandingSite(*site) for site in GATEWAYS[code])
    countries: dict[str, float] = {}
    for site in gateways:
        countries[site.country] = countries.get(site.country, 0.0) + site.share
    tilt = (lat - lat.mean()) / max(np.ptp(lat), 0.1)
    coverage = Coverage(
        satellites_in_view_mean=float(in_view.mean()),
        satellites_in_view_min=int(in_view.min() - 2 * spread),
        satellites_usable_mean=float(usable.mean()),
        satellites_usable_min=int(usable_min.min()),
        covered_fraction=1.0,
        longest_gap_s=0.0,
        accesses=1234.0 if slots > 1 else 40.0,
    )
    latency = make_latency(34.0)
    return FleetFindings(
        name=name,
        title=title,
        operator=name,
        source=f"{name}_2026-08-22.tle",
        satellites_read=10_746,
        satellites_used=10_028,
        left_out=(("rising, falling or parked", 706), ("no valid state", 12)),
        epoch_median=parse_time("2026-08-22T03:12:00Z"),
        element_age_days=0.37,
        shells=((43.0, 480.0, 3226), (53.05, 460.0, 2469), (53.2, 470.0, 980), (70.0, 570.0, 697), (97.6, 465.0, 1041)),
        mask_deg=25.0,
        arc_avoidance_deg=18.0,
        topology="nearest",
        strategy="observed",
        coverage=coverage,
        latency=latency,
        slot_start=START + np.arange(slots) * np.timedelta64(15, "s"),
        in_view_mean=in_view,
        in_view_min=np.floor(in_view - 2 * spread),
        in_view_max=np.ceil(in_view + 2 * spread),
        usable_mean=usable,
        usable_min=usable_min,
        cell_in_view_mean=level + 3 * tilt,
        cell_usable_mean=0.62 * level + 2.4 * tilt,
        cell_covered_fraction=np.ones(len(cells)),
        cell_latency_p50_ms=latency.p50_ms - 4.0 * tilt + random.normal(0, 0.3, len(cells)),
        gateways=gateways,
        pops=tuple(LandingSite(*site) for site in POPS[code]),
        landing_countries=tuple(sorted(countries.items(), key=lambda item: -item[1])),
        served_fraction=1.0,
        isl_share=0.18,
        handovers_per_hour=182.0,
        mean_run_slots=1.31,
        serving_elevation_p50_deg=57.3,
        sensitivity=(
            *(
                Sensitivity(
                    "elevation_mask_deg",
                    mask,
                    mask == 25.0,
                    1200.0 / mask - 24,
                    max(0, int(600 / mask - 15)),
                    min(1.0, 44.0 / mask),
                    30 + mask / 8,
                )
                for mask in (20.0, 25.0, 30.0, 40.0, 50.0)
            ),
            *(
                Sensitivity("arc_avoidance_deg", arc, arc == 18.0, 30.0 - arc / 3, int(18 - arc / 3), 1.0, 34.0)
                for arc in (0.0, 12.0, 18.0, 22.0)
            ),
        ),
    )


def make_findings(code: str = "TW", *, slots: int = 5760, sample: int = 0, fleets: int = 1) -> TerritoryFindings:
    """Return findings over one of `OUTLINES`; ``sample`` thins its cells out."""
    name, name_fr, population, area_km2, status = NAMES[code]
    outline = OUTLINES[code]
    every = cells_of_polygon(outline)
    cells = every[:: max(1, len(every) // sample)] if sample else every
    denied = every[cell_centres(every)[1] > 37.0] if code == "UA" else every[:0]
    titles = (("starlink", "Starlink", 38.0), ("oneweb", "OneWeb", 9.0), ("kuiper", "Kuiper", 6.0))
    made = tuple(
        make_fleet(code, cells, name=key, title=title, slots=slots, level=level, seed=index)
        for index, (key, title, level) in enumerate(titles[:fleets])
    )
    made = tuple(
        fleet
        if not index
        else replace(fleet, latency=make_latency(45.0 + 25 * index, space_ms=9.0 + 6 * index), sensitivity=(), isl_share=0.0)
        for index, fleet in enumerate(made)
    )
    return TerritoryFindings(
        code=code,
        name=name,
        name_fr=name_fr,
        area_km2=area_km2,
        population=population,
        cell_ids=cells,
        cell_population=np.full(len(cells), population / len(cells)),
        cells_total=len(every),
        outline=outline,
        worldview="Natural Earth, de facto",
        countries=(code,) if len(code) == 2 and code != "XX" else (),
        borders_source="Natural Earth 1:50m (public domain)",
        start=START,
        end=START + slots * np.timedelta64(15, "s"),
        step_s=15.0,
        slots=slots,
        policy=PolicyStatus(
            status=status,
            published={"served": "launched", "split": "exclude", "pending-regulator": "pending_regulatory"}.get(status, "coming_soon"),
            expected="Service date is unknown at this time" if status == "date-unknown" else "",
            source="operator's public map file, starlink.com",
            date="2026-07-23",
            served_cells=0 if status != "served" else len(every),
            denied_cells=len(denied),
            denied_cell_ids=denied,
        ),
        fleets=made,
        warnings=(
            "element sets are 0.4 days old on average: positions are good to some 4 km",
            "the laser topology is not public: 'nearest' is an assumption <b>&amp;</b>",
        ),
        assumptions=(
            Assumption("user elevation mask", "25°", "filing", "FCC 21-48"),
            Assumption("geostationary-arc avoidance", "18°", "reported", "filing of 2016 gives 22°"),
            Assumption("laser topology", "nearest", "assumed", "not public"),
            Assumption("access term", "24.1 ms (median error 3.2 ms)", "measured", "calibrated on 76 territories, 2026-09"),
            Assumption("Earth ellipsoid", "WGS-84", "standard", "NGA.STND.0036"),
        ),
        versions=(("overflight", "0.1.0"), ("python", "3.11.2"), ("numpy", "2.4.6"), ("sgp4", "2.27")),
        scenario_toml='territory = "Taiwan"\nstop_after = "service"\n\n[time]\nhours = 24.0\nstep_s = 15.0\n\n[visibility]\nuser_mask_deg = 25.0\n',
        inputs=(("starlink_2026-08-22.tle", "9f" * 32), ("table gateways", "3c" * 32), ("table territories", "a1" * 32)),
    )


def odd_findings() -> dict[str, TerritoryFindings]:
    """Findings that a careless report would stumble over, by what is odd about them."""
    base = make_findings("NR", slots=1)
    fleet = base.fleets[0]
    nothing = replace(
        fleet,
        coverage=Coverage(0.0, 0, 0.0, 0, 0.0, 15.0, 0.0),
        latency=no_latency(),
        in_view_mean=np.zeros(1),
        in_view_min=np.zeros(1),
        in_view_max=np.zeros(1),
        usable_mean=np.zeros(1),
        usable_min=np.zeros(1),
        cell_in_view_mean=np.zeros(1),
        cell_usable_mean=np.zeros(1),
        cell_covered_fraction=np.zeros(1),
        cell_latency_p50_ms=np.array([np.nan]),
        gateways=(),
        pops=(),
        landing_countries=(),
        served_fraction=0.0,
        isl_share=float("nan"),
        handovers_per_hour=float("nan"),
        mean_run_slots=float("nan"),
        serving_elevation_p50_deg=float("nan"),
        sensitivity=(),
        shells=(),
        left_out=(),
    )
    taiwan = make_findings("TW", slots=240)
    holes = np.where(np.arange(len(taiwan.cell_ids)) % 3 == 0, np.nan, taiwan.fleets[0].cell_latency_p50_ms)
    partly = replace(
        taiwan.fleets[0],
        cell_latency_p50_ms=holes,
        coverage=replace(taiwan.fleets[0].coverage, covered_fraction=0.64, satellites_usable_min=0, longest_gap_s=3 * 3600 + 312),
        usable_min=np.zeros(240),
        isl_share=1.0,
    )
    hostile = replace(
        taiwan,
        name='<script>alert("1")</script>',
        name_fr="<img src=x onerror=1>",
        warnings=("<b>bold</b> & 東京 {braces} **stars** $x^2$",),
        scenario_toml="</pre><script>1</script>",
        policy=replace(
            taiwan.policy, status="word never heard of", published="</td>", expected="<i>2027</i>", source="http://a/?b=1&c=2", date="soon"
        ),
        fleets=(replace(taiwan.fleets[0], title="東京 & <Co>", operator="{x}", source="a.tle'; rm -rf /", left_out=(("<why>", 3),)),),
    )
    return {
        "one slot, one cell": base,
        "nothing in view": replace(base, fleets=(nothing,)),
        "in view, no gateway": replace(
            base, fleets=(replace(nothing, coverage=Coverage(6.2, 2, 0.0, 0, 0.0, 15.0, 3.0), in_view_mean=np.full(1, 6.2)),)
        ),
        "served in part": replace(taiwan, fleets=(partly,)),
        "hostile text": hostile,
        "no outline, no population": replace(
            taiwan, outline=None, population=float("nan"), area_km2=float("nan"), warnings=(), inputs=(), versions=(), assumptions=()
        ),
        "two fleets, one blind": replace(
            taiwan,
            fleets=(
                taiwan.fleets[0],
                replace(taiwan.fleets[0], name="nought", title="Nought", latency=no_latency(), coverage=nothing.coverage),
            ),
        ),
    }
