"""Link budgets: from a satellite and a place to the rate of a channel, for users and gateways, down and up.

Downlinks. A satellite holds a constant power flux density (pfd) on the cell it lights, as operators file it, up to its greatest EIRP::

    level = min(pfd, EIRP_max cosⁿη / 4πd²)
    C/N   = level · λ²/4π · (G/T) cosᵐθ / (k · losses) · L · T / (T + T_m (1 − L)),   L = 10^(−A/10)

Uplinks. Power control holds a level at the satellite, up to the ground's greatest EIRP, and fights rain with what it has left::

    level = min(pfd, EIRP_max cosᵐθ L / 4πd²)
    C/N   = level · λ²/4π · (G/T) cosⁿη / (k · losses)

Then 1/(C/(N+I)) = 1/(C/N) + ΣI/C, a MODCOD or Shannon's bound, and the channel's width. η is the angle at the satellite from straight
down, θ that at the terminal from its array's broadside, A the attenuation by the atmosphere in dB, T the receiver's noise temperature
without atmosphere, T_m = 275 K the medium's.

References
----------
ITU-R P.525-4 (free space); ITU-R P.618-13, section 3 (sky noise: T_m = 275 K for rain); Radio Regulations, Article 21, table 21-4.
"""

import math
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from overflight.catalog.parameters import parameter_values
from overflight.catalog.versions import SatelliteVersions, read_versions
from overflight.errors import InputError
from overflight.radio import _link_kernels
from overflight.radio.antennas import LIGHT_M_S
from overflight.radio.free_space import free_space_loss_p525_db
from overflight.radio.modcod import efficiency_table, find_modcod, spectral_efficiency
from overflight.radio.spectrum import ChannelPlan, channel_plan

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int32]

BOLTZMANN_DBW_HZ_K = -228.5991672
MEDIUM_TEMPERATURE_K = 275.0
"""Temperature of rain and clouds as a source of noise (ITU-R P.618)."""

KA_FROM_GHZ = 17.0
"""From here up the parameters of Ka-band terminals hold."""


@dataclass(frozen=True, slots=True, eq=False)
class LinkModel:
    """One kind of link of one operator, ready for any number of pairs.

    Attributes
    ----------
    link
        One of `overflight.radio.spectrum.LINKS`.
    plan
        Its channels; budgets are for the middle of the plan, whose ends differ by less than 1 dB in C/N at a given pfd.
    versions
        What the rows of ``version`` mean.
    is_up
        Whether the satellite receives.
    level_dbw_m2_mhz
        What power control holds at the receiving end before the atmosphere, per version, shape (versions,); infinite for none.
    max_eirp_dbw_mhz
        Greatest EIRP density of the sending end along its axis, per version.
    gt_db_k
        G/T of the receiving end along its axis without atmosphere, per version.
    noise_k
        Noise temperature that belongs to the ground's G/T; 0 in uplinks, where rain adds nothing.
    losses_db
        Pointing, polarisation, edge of the cell.
    ground_scan_exponent, space_scan_exponent, tilt_deg
        Of the arrays at both ends; the ground's broadside points ``tilt_deg`` nearer to the satellite than the zenith.
    control_db
        How much an uplink raises its power against the atmosphere beyond its usual level.
    ci_db
        Carrier over all interference together in the nominal model.
    model, margin_db, gap_db, roll_off, usable_share
        How C/(N+I) becomes a rate.
    clear_sky_db
        Attenuation at the zenith where none is given.
    """

    link: str
    plan: ChannelPlan
    versions: SatelliteVersions
    is_up: bool
    level_dbw_m2_mhz: Floats
    max_eirp_dbw_mhz: Floats
    gt_db_k: Floats
    noise_k: float
    losses_db: float
    ground_scan_exponent: float
    space_scan_exponent: float
    tilt_deg: float
    control_db: float
    ci_db: float
    model: str
    margin_db: float
    gap_db: float
    roll_off: float
    usable_share: float
    clear_sky_db: float
    _tables: "_Tables"

    @property
    def width_mhz(self) -> float:
        """Width of a channel."""
        return float(self.plan.width_mhz[0])


class _Tables(NamedTuple):
    """What the kernel reads."""

    constants: Floats
    sines: Floats
    ground_scan: Floats
    space_scan: Floats
    losses: Floats
    efficiency: Floats
    mbps_per_efficiency: float


@dataclass(frozen=True, slots=True)
class LinkBudget:
    """Every term of one pair's budget. Levels and EIRP are per MHz of the channel where the name says so."""

    link: str
    version: str
    frequency_ghz: float
    width_mhz: float
    range_km: float
    elevation_deg: float
    eirp_dbw_mhz: float
    eirp_dbw: float
    eirp_is_limited: bool
    free_space_loss_db: float
    attenuation_db: float
    satellite_scan_loss_db: float
    ground_scan_loss_db: float
    other_losses_db: float
    pfd_dbw_m2_mhz: float
    gt_db_k: float
    noise_rise_db: float
    c_over_n_db: float
    c_over_i_db: float
    c_over_ni_db: float
    margin_db: float
    modcod: str | None
    efficiency_bit_s_hz: float
    rate_mbps: float

    def lines(self) -> list[tuple[str, float, str]]:
        """List the terms as (name, value, unit), in the order in which a budget adds them up."""
        units = (
            ("_dbw_m2_mhz", "dB(W/m²)/MHz"), ("_dbw_mhz", "dBW/MHz"), ("_dbw", "dBW"), ("_db_k", "dB/K"), ("_db", "dB"), ("_ghz", "GHz"),
            ("_mhz", "MHz"), ("_km", "km"), ("_deg", "°"), ("_bit_s_hz", "bit/s/Hz"), ("_mbps", "Mbit/s"),
        )  # fmt: skip
        found = []
        for name in self.__dataclass_fields__:
            value = getattr(self, name)
            if isinstance(value, float):
                ending, unit = next((ending, unit) for ending, unit in units if name.endswith(ending))
                found.append((name.removesuffix(ending), value, unit))
        return found


def make_link_model(
    link: str,
    *,
    operator: str,
    versions: SatelliteVersions | None = None,
    parameters: Mapping[str, float] | None = None,
    terminal_gt_db_k: float | None = None,
    terminal_eirp_dbw: float | None = None,
    model: str = "dvb-s2x",
    gap_db: float | None = None,
) -> LinkModel:
    """Put a kind of link together from the catalogue's parameters.

    Parameters
    ----------
    link
        One of `overflight.radio.spectrum.LINKS`.
    operator
        Whose channels.
    versions
        Satellite versions; by default the built-in ones at their values.
    parameters
        Parameters that differ from those of the table ``capacity_parameters``, by name (for one draw: that draw's values).
    terminal_gt_db_k, terminal_eirp_dbw
        Of a class of terminals of its own, in place of the parameters'.
    model, gap_db
        See `overflight.radio.modcod.spectral_efficiency`; the gap is the parameter ``shannon_gap_db`` unless given.

    Raises
    ------
    ScenarioError
        If the link, a parameter or the model is not known.
    """
    plan = channel_plan(operator, link)
    values = parameter_values(parameters)
    known = read_versions() if versions is None else versions
    is_up = link.endswith("-up")
    make = _feeder_ends if link.startswith("feeder") else _user_ends
    ends = make(values, plan, known, is_up=is_up, gt_db_k=terminal_gt_db_k, eirp_dbw=terminal_eirp_dbw)
    gap = values["shannon_gap_db"] if gap_db is None else gap_db
    tables = _make_tables(ends, plan, is_up=is_up, model=model, gap_db=gap)
    return LinkModel(
        link=link,
        plan=plan,
        versions=known,
        is_up=is_up,
        model=model,
        gap_db=gap,
        clear_sky_db=values["clear_sky_attenuation_db"],
        _tables=tables,
        **ends._asdict(),
    )


class _Ends(NamedTuple):
    """The part of a model that differs between users and feeders."""

    level_dbw_m2_mhz: Floats
    max_eirp_dbw_mhz: Floats
    gt_db_k: Floats
    noise_k: float
    losses_db: float
    ground_scan_exponent: float
    space_scan_exponent: float
    tilt_deg: float
    control_db: float
    ci_db: float
    margin_db: float
    roll_off: float
    usable_share: float


def _user_ends(
    values: Mapping[str, float],
    plan: ChannelPlan,
    versions: SatelliteVersions,
    *,
    is_up: bool,
    gt_db_k: float | None,
    eirp_dbw: float | None,
) -> _Ends:
    is_ka = plan.frequency_ghz >= KA_FROM_GHZ
    ones = np.ones(len(versions))
    if is_up:
        eirp = values["terminal_eirp_ka_dbw" if is_ka else "terminal_eirp_dbw"] if eirp_dbw is None else eirp_dbw
        level, greatest = values["uplink_pfd_dbw_m2_mhz"] * ones, (eirp - 10.0 * math.log10(plan.width_mhz[0])) * ones
        gain, noise_k = versions.gt_db_k, 0.0
        ci_db = add_ratios_db(values["uplink_same_satellite_ci_db"], values["uplink_other_ci_db"])
    else:
        level, greatest = versions.pfd_dbw_m2_mhz + values["pfd_offset_db"], versions.max_eirp_dbw_mhz + values["pfd_offset_db"]
        gain = (values["terminal_gt_ka_db_k" if is_ka else "terminal_gt_db_k"] if gt_db_k is None else gt_db_k) * ones
        noise_k = values["terminal_noise_k"]
        ci_db = add_ratios_db(values["same_satellite_ci_db"], values["other_satellites_ci_db"], values["other_systems_ci_db"])
    return _Ends(
        level_dbw_m2_mhz=level,
        max_eirp_dbw_mhz=greatest,
        gt_db_k=gain,
        noise_k=noise_k,
        losses_db=values["terminal_pointing_loss_db"] + values["edge_of_cell_loss_db"],
        ground_scan_exponent=values["terminal_scan_exponent"],
        space_scan_exponent=values["satellite_scan_exponent"],
        tilt_deg=values["terminal_tilt_deg"],
        control_db=0.0,
        ci_db=ci_db,
        margin_db=values["uplink_modem_margin_db" if is_up else "modem_margin_db"],
        roll_off=values["roll_off"],
        usable_share=values["uplink_usable_share"] * values["uplink_duty_share"] if is_up else values["downlink_usable_share"],
    )


def _feeder_ends(
    values: Mapping[str, float],
    plan: ChannelPlan,
    versions: SatelliteVersions,
    *,
    is_up: bool,
    gt_db_k: float | None,
    eirp_dbw: float | None,
) -> _Ends:
    ones = np.ones(len(versions))
    extra_db = values["feeder_e_gain_db"] if plan.link.startswith("feeder-e") else 0.0
    if is_up:
        eirp = values["gateway_eirp_dbw_carrier"] if eirp_dbw is None else eirp_dbw
        density = eirp + extra_db - 10.0 * math.log10(plan.width_mhz[0])
        level, greatest, gain = np.inf * ones, density * ones, versions.feeder_gt_db_k
    else:
        level, greatest = (values["feeder_pfd_dbw_m2_mhz"] + extra_db) * ones, np.inf * ones
        gain = (values["gateway_gt_db_k"] if gt_db_k is None else gt_db_k) * ones
    return _Ends(
        level_dbw_m2_mhz=level,
        max_eirp_dbw_mhz=greatest,
        gt_db_k=gain,
        noise_k=0.0 if is_up else values["gateway_noise_k"],
        losses_db=values["terminal_pointing_loss_db"],
        ground_scan_exponent=0.0,
        space_scan_exponent=0.0,
        tilt_deg=0.0,
        control_db=values["gateway_uplink_control_db"] if is_up else 0.0,
        ci_db=values["feeder_ci_db"],
        margin_db=values["modem_margin_db"],
        roll_off=values["feeder_roll_off"],
        usable_share=values["feeder_usable_share"],
    )


def channel_rates_mbps(
    model: LinkModel,
    *,
    range_km: npt.ArrayLike,
    elevation_deg: npt.ArrayLike,
    version: npt.ArrayLike,
    attenuation_db: npt.ArrayLike | None = None,
    satellite: npt.ArrayLike | None = None,
    i_over_c: npt.ArrayLike | None = None,
    threads: int = 1,
    out: Floats | None = None,
) -> Floats:
    """Rate that one channel carries, pair by pair.

    Parameters
    ----------
    model
        The kind of link.
    range_km, elevation_deg
        Where the satellite stands as seen from the place, shape (pairs,).
    version
        Row of the satellite's version, shape (pairs,); or, with ``satellite``, shape (satellites,).
    attenuation_db
        Attenuation by the atmosphere, shape (pairs,); None for a clear sky.
    satellite
        Row of each pair's satellite, shape (pairs,).
    i_over_c
        Interference over carrier as a ratio, shape (pairs,), in place of the nominal model (see `overflight.radio.interference`).
    threads
        How many threads share the pairs. The result does not depend on it.
    out
        Where to write, float64, shape (pairs,).

    Returns
    -------
    numpy.ndarray
        Mbit/s, float64, shape (pairs,); 0 where no MODCOD gets through, the satellite is below the horizon or a value is NaN. Gross of
        IP framing (``protocol_share``).

    Raises
    ------
    InputError
        If the shapes do not fit, or a row is out of range.
    """
    arrays = _check_pairs(model, range_km, elevation_deg, version, satellite)
    pairs = arrays[0].size
    sky = _by_pair("attenuation_db", attenuation_db, pairs, model.clear_sky_db)
    noise = _by_pair("i_over_c", i_over_c, pairs, 10.0 ** (-model.ci_db / 10.0))
    if out is not None and (out.shape != (pairs,) or out.dtype != np.float64):
        msg = f"out: shape {out.shape} of {out.dtype}; give float64 of shape ({pairs},)"
        raise InputError(msg)
    rates = np.empty(pairs) if out is None else out
    bounds = np.linspace(0, pairs, max(1, min(threads, pairs // 4096)) + 1).astype(np.int64)

    has_sky, has_satellite, has_noise = attenuation_db is not None, satellite is not None, i_over_c is not None

    def work(part: slice) -> None:
        tables, whole = model._tables, slice(None)  # noqa: SLF001
        _link_kernels.channel_rates(
            arrays[0][part], arrays[1][part], sky[part if has_sky else whole], has_sky, arrays[2][whole if has_satellite else part],
            arrays[3][part], has_satellite, noise[part if has_noise else whole], has_noise, model.is_up, tables.constants,
            10.0 ** (model.control_db / 10.0), tables.sines, tables.ground_scan, tables.space_scan, tables.losses, tables.efficiency,
            tables.mbps_per_efficiency, rates[part],
        )  # fmt: skip

    parts = [slice(int(first), int(last)) for first, last in pairwise(bounds)]
    if len(parts) == 1:
        work(parts[0])
    else:
        with ThreadPoolExecutor(max_workers=len(parts)) as pool:
            list(pool.map(work, parts))
    return rates


def link_budget(
    model: LinkModel,
    *,
    range_km: float,
    elevation_deg: float,
    version: int,
    attenuation_db: float | None = None,
    ci_db: float | None = None,
) -> LinkBudget:
    """Write one pair's budget out, term by term, from the formulas themselves.

    Parameters
    ----------
    model
        The kind of link.
    range_km, elevation_deg
        Where the satellite stands as seen from the place.
    version
        Row of the satellite's version.
    attenuation_db
        Attenuation by the atmosphere; None for a clear sky.
    ci_db
        Carrier over all interference; None for the nominal model.

    Raises
    ------
    InputError
        If the range is not above 0, the elevation not from 0 to 90°, or the row out of range.
    """
    if not (range_km > 0.0 and 0.0 <= elevation_deg <= 90.0 and 0 <= version < len(model.versions)):
        msg = f"link budget: range_km={range_km}, elevation_deg={elevation_deg}, version={version}; give a place that sees the satellite"
        raise InputError(msg)
    frequency, sine = model.plan.frequency_ghz, math.sin(math.radians(elevation_deg))
    lost_db = model.clear_sky_db / max(sine, 0.05) if attenuation_db is None else attenuation_db
    ground_db, space_db = _scan_losses_db(model, range_km, elevation_deg)
    spread_db = 10.0 * math.log10(4.0 * math.pi * (range_km * 1e3) ** 2)
    level, greatest = float(model.level_dbw_m2_mhz[version]), float(model.max_eirp_dbw_mhz[version])
    if model.is_up:
        reach_db = greatest - ground_db - max(0.0, lost_db - model.control_db) - spread_db
        arriving = min(level, reach_db)
        eirp = arriving + spread_db + lost_db
    else:
        reach_db = greatest - space_db - spread_db
        eirp = min(level, reach_db) + spread_db
        arriving = eirp - spread_db - lost_db
    kept = 10.0 ** (-lost_db / 10.0)
    rise_db = 0.0 if not model.noise_k else 10.0 * math.log10(1.0 + MEDIUM_TEMPERATURE_K / model.noise_k * (1.0 - kept))
    receiver_scan_db = space_db if model.is_up else ground_db
    area_db = 20.0 * math.log10(LIGHT_M_S / (frequency * 1e9)) - 10.0 * math.log10(4.0 * math.pi)
    c_over_n = arriving - 60.0 + area_db + float(model.gt_db_k[version]) - receiver_scan_db - rise_db - model.losses_db - BOLTZMANN_DBW_HZ_K
    c_over_i = model.ci_db if ci_db is None else ci_db
    c_over_ni = add_ratios_db(c_over_n, c_over_i)
    efficiency = float(
        spectral_efficiency(c_over_ni, model=model.model, margin_db=model.margin_db, gap_db=model.gap_db, roll_off=model.roll_off)
    )
    return LinkBudget(
        link=model.link,
        version=model.versions.title[version],
        frequency_ghz=frequency,
        width_mhz=model.width_mhz,
        range_km=range_km,
        elevation_deg=elevation_deg,
        eirp_dbw_mhz=eirp,
        eirp_dbw=eirp + 10.0 * math.log10(model.width_mhz),
        eirp_is_limited=reach_db < level and math.isfinite(level),
        free_space_loss_db=float(free_space_loss_p525_db(range_km, frequency_ghz=frequency)),
        attenuation_db=lost_db,
        satellite_scan_loss_db=space_db,
        ground_scan_loss_db=ground_db,
        other_losses_db=model.losses_db,
        pfd_dbw_m2_mhz=arriving,
        gt_db_k=float(model.gt_db_k[version]),
        noise_rise_db=rise_db,
        c_over_n_db=c_over_n,
        c_over_i_db=c_over_i,
        c_over_ni_db=c_over_ni,
        margin_db=model.margin_db,
        modcod=find_modcod(c_over_ni, margin_db=model.margin_db) if model.model == "dvb-s2x" else None,
        efficiency_bit_s_hz=efficiency,
        rate_mbps=efficiency * model.width_mhz * model.usable_share,
    )


def feeder_rates_gbps(
    model: LinkModel,
    *,
    range_km: npt.ArrayLike,
    elevation_deg: npt.ArrayLike,
    version: npt.ArrayLike,
    attenuation_db: npt.ArrayLike | None = None,
    cap_gbps: float | None = None,
) -> Floats:
    """Rate of the feeder link between one gateway dish and a satellite: all carriers of the plan, in the weather at the gateway.

    Parameters
    ----------
    model
        A model of a feeder link; add those of Ka and E band where a satellite has both.
    range_km, elevation_deg, version, attenuation_db
        As `channel_rates_mbps`.
    cap_gbps
        Most that a dish carries (parameter ``feeder_gbps_dish``); None for no such limit.

    Returns
    -------
    numpy.ndarray
        Gbit/s each way of the model, float64, shape (pairs,).

    Raises
    ------
    InputError
        As `channel_rates_mbps`.
    """
    rate = channel_rates_mbps(model, range_km=range_km, elevation_deg=elevation_deg, version=version, attenuation_db=attenuation_db) * (
        len(model.plan) / 1e3
    )
    return rate if cap_gbps is None else np.minimum(rate, cap_gbps)


def carrier_to_noise_db(
    *,
    eirp_dbw: npt.ArrayLike,
    range_km: npt.ArrayLike,
    frequency_ghz: float,
    width_mhz: float,
    gt_db_k: npt.ArrayLike,
    losses_db: npt.ArrayLike = 0.0,
) -> Floats:
    """C/N of a link from its EIRP, G/T and losses: the plain budget, C/N = EIRP − L_fs − L + G/T − k − B, dB."""
    path_db = free_space_loss_p525_db(range_km, frequency_ghz=frequency_ghz) + np.asarray(losses_db, dtype=np.float64)
    width_dbhz = 10.0 * math.log10(width_mhz * 1e6)
    ratio: Floats = np.asarray(eirp_dbw, dtype=np.float64) - path_db + np.asarray(gt_db_k) - BOLTZMANN_DBW_HZ_K - width_dbhz
    return ratio


def add_ratios_db(*ratios_db: float) -> float:
    """Carrier over the sum of several noises and interferences, each given as a carrier-to-it ratio in dB."""
    return -10.0 * math.log10(sum(10.0 ** (-ratio / 10.0) for ratio in ratios_db))


def pfd_limit_article21_dbw_m2_mhz(elevation_deg: npt.ArrayLike, *, frequency_ghz: float) -> Floats:
    """Most power flux density of a non-geostationary satellite on the ground, dB(W/m²) in 1 MHz, by the angle of arrival.

    Parameters
    ----------
    elevation_deg
        Angle of arrival above the horizon.
    frequency_ghz
        Within 10.7 to 12.7 or 17.7 to 19.3 GHz. In the latter the limit below 25° also falls with the number of satellites, which is
        left out here: it is exact from 25° up.

    Raises
    ------
    InputError
        If the frequency is in neither band.

    References
    ----------
    ITU Radio Regulations, Article 21, table 21-4.
    """
    low = next((limit for first, last, limit in _ARTICLE_21 if first <= frequency_ghz <= last), None)
    if low is None:
        msg = f"frequency_ghz: {frequency_ghz:g} GHz; limits of Article 21 are built in for 10.7 to 12.7 and 17.7 to 19.3 GHz"
        raise InputError(msg)
    angle = np.asarray(elevation_deg, dtype=np.float64)
    limit: Floats = low + 0.5 * (np.clip(angle, 5.0, 25.0) - 5.0)
    return limit


_ARTICLE_21 = ((10.7, 11.7, -126.0), (11.7, 12.7, -124.0), (17.7, 19.3, -115.0))


def _scan_losses_db(model: LinkModel, range_km: float, elevation_deg: float) -> tuple[float, float]:
    sine = math.sin(math.radians(elevation_deg))
    earth = _link_kernels.EARTH_RADIUS_KM
    radius = math.sqrt(earth**2 + range_km**2 + 2.0 * earth * range_km * sine)
    cosine = min(1.0, (range_km + earth * sine) / radius)
    scan = math.radians(max(0.0, 90.0 - elevation_deg - model.tilt_deg))
    ground_db = -10.0 * model.ground_scan_exponent * math.log10(max(math.cos(scan), 1e-6))
    return ground_db, -10.0 * model.space_scan_exponent * math.log10(max(cosine, 1e-6))


def _make_tables(ends: _Ends, plan: ChannelPlan, *, is_up: bool, model: str, gap_db: float) -> _Tables:
    area_m2 = (LIGHT_M_S / (plan.frequency_ghz * 1e9)) ** 2 / (4.0 * math.pi)
    per_level = area_m2 * 10.0 ** ((ends.gt_db_k - ends.losses_db - BOLTZMANN_DBW_HZ_K - 60.0) / 10.0)
    sky = np.full(len(per_level), 0.0 if is_up or not ends.noise_k else MEDIUM_TEMPERATURE_K / ends.noise_k)
    greatest = 10.0 ** (ends.max_eirp_dbw_mhz / 10.0) / (4.0 * math.pi * 1e6)
    constants = np.stack([10.0 ** (ends.level_dbw_m2_mhz / 10.0), greatest, per_level, sky], axis=1)
    elevation = np.arange(0.0, 90.0 * _link_kernels.NODES_A_DEGREE + 2.0) / _link_kernels.NODES_A_DEGREE
    scan = np.radians(np.maximum(0.0, 90.0 - elevation - ends.tilt_deg))
    cosine = np.arange(0.0, _link_kernels.COSINE_NODES + 2.0) / _link_kernels.COSINE_NODES
    lost_db = np.arange(0.0, _link_kernels.MOST_DB * _link_kernels.NODES_A_DB + 2.0) / _link_kernels.NODES_A_DB
    return _Tables(
        constants=np.ascontiguousarray(constants),
        sines=np.sin(np.radians(elevation)),
        ground_scan=np.maximum(np.cos(scan), 1e-6) ** ends.ground_scan_exponent,
        space_scan=cosine**ends.space_scan_exponent,
        losses=10.0 ** (-lost_db / 10.0),
        efficiency=efficiency_table(model=model, margin_db=ends.margin_db, gap_db=gap_db, roll_off=ends.roll_off),
        mbps_per_efficiency=float(plan.width_mhz[0]) * ends.usable_share,
    )


def _check_pairs(
    model: LinkModel, range_km: npt.ArrayLike, elevation_deg: npt.ArrayLike, version: npt.ArrayLike, satellite: npt.ArrayLike | None
) -> tuple[npt.NDArray[np.floating], npt.NDArray[np.floating], Integers, Integers]:
    distance, elevation = _as_floats(range_km), _as_floats(elevation_deg)
    rows = np.atleast_1d(np.ascontiguousarray(version, dtype=np.int32))
    which = np.empty(0, np.int32) if satellite is None else np.atleast_1d(np.ascontiguousarray(satellite, dtype=np.int32))
    if distance.ndim != 1 or elevation.shape != distance.shape or (rows if satellite is None else which).shape != distance.shape:
        msg = f"pairs: range {distance.shape}, elevation {elevation.shape}, version {rows.shape}, satellite {which.shape}: give one of each"
        raise InputError(msg)
    for name, index, count in (("version", rows, len(model.versions)), ("satellite", which, len(rows))):
        if index.size and not (index.min() >= 0 and index.max() < count):
            msg = f"{name}: a row outside 0..{count - 1}"
            raise InputError(msg)
    return distance, elevation, rows, which


def _by_pair(name: str, value: npt.ArrayLike | None, pairs: int, otherwise: float) -> npt.NDArray[np.floating]:
    """One value per pair, or an array of one value for all."""
    if value is None:
        return np.array([otherwise])
    array = _as_floats(value)
    if array.shape != (pairs,):
        msg = f"{name}: shape {array.shape}; give one value for each of {pairs} pairs"
        raise InputError(msg)
    return array


def _as_floats(value: npt.ArrayLike) -> npt.NDArray[np.floating]:
    array = np.atleast_1d(np.asarray(value))
    return np.ascontiguousarray(array, dtype=np.float32 if array.dtype == np.float32 else np.float64)
