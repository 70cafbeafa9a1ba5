"""Capacity slot by slot: what frames mean, what fewer satellites, gateways or channels do, own rules, and the same bytes every time."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from overflight.capacity.twin import CapacityTwin, saturate
from overflight.earth.cells import cell_of
from overflight.errors import OverflightError, ScenarioError
from overflight.flow.bounds import max_throughput
from overflight.flow.fair import certify_fair, fair_rates
from overflight.flow.feeders import hot_potato
from overflight.flow.paths import ResourceKind, measure_imbalance
from overflight.flow.summary import CellBound
from overflight.inputs import gather_inputs
from overflight.radio.attenuation import Weather
from overflight.run import CAPACITY_FRAMES, open_run
from overflight.scenario import parse_scenario
from overflight.schedule.beams import find_allocator
from overflight.study.capacity_variants import scale_others, with_parameters, with_weather
from overflight.twin import Plugins, make_capacity_twin, run_inputs

HEURISTIC_GAIN = 1.03
"""Beams are given by a heuristic and shared max-min fairly: taking something away may raise the total by so much, and no more."""

CONSERVED = 1e-9
"""Relative difference between what enters and what leaves a satellite or gateway."""


def make_twin(territory="Malta", *, plugins=None, threads=1, hours=0.02, **tables):
    capacity = {"incumbents": 0.0, **tables.pop("capacity", {})}
    raw = {"territory": territory, "time": {"hours": hours}, "sampling": {"sensitivity": False}, "capacity": capacity, **tables}
    inputs = gather_inputs(parse_scenario(raw, source="test"))
    return make_capacity_twin(inputs, inputs.fleets[0], threads=threads, plugins=plugins)


def work(twin: CapacityTwin):
    """Frames of all slots."""
    blocks = list(twin.blocks())
    return {name: np.concatenate([block[name] for block in blocks]) for name in CAPACITY_FRAMES}


def national_gbps(twin: CapacityTwin, case=None) -> float:
    """What the territory could get if it asked for ever more, mean over the slots."""
    full = saturate(case or twin.case)
    found = [twin.work_scene(scene, full) for scene in twin.find_scenes(twin.rows)]
    return float(np.mean([row.down_mbps[full.market.own[row.groups.cell]].sum() for row in found])) / 1000.0


@pytest.fixture(scope="module")
def tonga():
    return make_twin("Tonga", capacity={"incumbents": 1.0, "terminals": 20_000})


@pytest.fixture(scope="module")
def frames(tonga):
    return work(tonga)


@pytest.fixture(scope="module")
def slot(tonga):
    """One slot of Tonga with everybody asking for ever more, each for the rest of the world too."""
    return tonga.work_scene(next(tonga.find_scenes(tonga.rows)), saturate(tonga.case))


class TestFrames:
    def test_every_frame_has_its_shape(self, tonga, frames):
        slots, cells, gateways = len(tonga.rows), tonga.market.own.sum(), len(tonga.fleet.gateways)
        shapes = {"cell": (slots, cells), "gateway": (slots, gateways), None: (slots,)}
        for name, frame in CAPACITY_FRAMES.items():
            assert frames[name].shape == shapes[frame.axis], name

    def test_what_is_stored_is_what_was_found(self, frames):
        for name, frame in CAPACITY_FRAMES.items():
            kept = frame.decode(frame.encode(frames[name]))
            step = frame.scale if frame.scale == 1.0 else 0.5 * frame.scale  # whole numbers are cut, not rounded
            np.testing.assert_allclose(kept, frames[name], rtol=0.0, atol=1.001 * step, equal_nan=True, err_msg=name)

    @pytest.mark.parametrize("way", ["down", "up"])
    def test_a_cell_gets_its_rate_times_its_active_terminals(self, frames, way):
        active, rate, got = frames["active_terminals"], frames[f"{way}_mbps"], frames[f"delivered_{way}_mbps"]
        np.testing.assert_allclose(np.nan_to_num(rate) * active, got, rtol=1e-9, atol=1e-9)
        assert (np.isnan(rate) == (active == 0.0)).all()

    def test_a_cell_gets_what_its_groups_get(self, tonga):
        scene = next(tonga.find_scenes(tonga.rows))
        result = tonga.work_scene(scene, tonga.case)
        got = next(tonga.work(iter([scene]), tonga.case))["delivered_down_mbps"]
        ours = tonga.market.own[result.groups.cell]
        assert got.sum() == pytest.approx(result.down_mbps[ours].sum(), rel=1e-9)
        assert next(tonga.work(iter([scene]), tonga.case))["others_down_mbps"] == pytest.approx(result.down_mbps[~ours].sum(), rel=1e-9)

    def test_nobody_gets_more_than_asked(self, tonga, frames):
        asked = tonga.demand.down_mbps.max()
        assert np.nanmax(frames["down_mbps"]) <= asked * (1.0 + 1e-9)

    def test_beams_are_within_the_licence(self, tonga, frames):
        channels = len(tonga.case.plant.down)
        assert frames["beams"].max() <= channels
        assert frames["beams"].max() > 1
        lit = frames["beams"] > 0
        assert (np.isfinite(frames["channel_mbps"]) == lit).all()
        # What is delivered goes through the beams there are.
        assert (frames["delivered_down_mbps"][lit] <= (frames["beams"] * frames["channel_mbps"])[lit] * (1.0 + 1e-9)).all()

    def test_bottlenecks_have_names(self, frames):
        assert set(np.unique(frames["bottleneck"])) <= {int(bound) for bound in CellBound}

    def test_gateways_land_what_is_delivered(self, frames):
        np.testing.assert_allclose(frames["gateway_mbps"].sum(axis=1), frames["delivered_down_mbps"].sum(axis=1), rtol=1e-9)

    def test_those_elsewhere_are_told(self, tonga, frames):
        assert (frames["others_active_terminals"] > 0).all()
        assert (frames["others_down_mbps"] > 0).all()
        alone = work(make_twin("Tonga", hours=0.01))
        assert not alone["others_active_terminals"].any()
        assert not alone["others_down_mbps"].any()


class TestRules:
    def test_rates_are_fair_and_flow_is_conserved(self, slot):
        assembly = slot.assembly
        rates = fair_rates(assembly.flows, assembly.resources.capacity_mbps)
        np.testing.assert_array_equal(rates.rate, slot.part_mbps)
        certificate = certify_fair(assembly.flows, assembly.resources.capacity_mbps, rates)
        assert certificate.holds(), certificate
        assert measure_imbalance(assembly.resources, slot.load_mbps) < CONSERVED

    def test_no_resource_is_above_its_capacity(self, slot):
        capacity = slot.assembly.resources.capacity_mbps
        assert (slot.load_mbps <= capacity * (1.0 + 1e-9) + 1e-6).all()

    @pytest.mark.parametrize(
        "kind", [kind for kind in ResourceKind if kind < ResourceKind.NO_WAY and kind is not ResourceKind.LASER], ids=lambda kind: kind.name
    )
    def test_removing_a_resource_never_raises_the_bound(self, slot, kind):
        assembly = slot.assembly
        capacity = assembly.resources.capacity_mbps
        most = max_throughput(assembly.flows, capacity).total
        rows = assembly.resources.rows(kind)
        busiest = rows.start + int(np.argmax(slot.load_mbps[rows]))
        assert slot.load_mbps[busiest] > 0.0
        without = capacity.copy()
        without[busiest] = 0.0
        bound = max_throughput(assembly.flows, without).total
        assert bound <= most * (1.0 + 1e-9)
        assert fair_rates(assembly.flows, without).rate.sum() <= bound * (1.0 + 1e-9)

    def test_more_terminals_never_raise_the_worst_rate_with_the_assignment_held(self, slot):
        flows, capacity = slot.assembly.flows, slot.assembly.resources.capacity_mbps

        def worst(times):
            more = replace(flows, weight=flows.weight * times)
            return (fair_rates(more, capacity).rate / more.weight).min()

        heavier = np.where(np.arange(len(flows.weight)) % 3 == 0, 4.0, 1.0)
        assert worst(heavier) <= worst(1.0) * (1.0 + 1e-9)
        assert worst(2.0) == pytest.approx(worst(1.0) / 2.0, rel=1e-6)


class TestWhatIf:
    """National capacity with nobody elsewhere: it never rises by more than the heuristic's noise where something is taken away."""

    def falls(self, before: float, after: float) -> None:
        assert after <= before * HEURISTIC_GAIN
        assert after >= 0.0

    def test_fewer_satellites_light_less(self):
        """Beams alone: where traffic lands is no matter of theirs, and fewer satellites may by chance land more (see below)."""
        found = []
        for share in (0.0, 0.5, 0.8, 0.97):
            twin = make_twin("Tonga", constellations=[{"name": "starlink", "lost_share": share, "lost_seed": 1}])
            full = [twin.work_scene(scene, saturate(twin.case)) for scene in twin.find_scenes(twin.rows)]
            found.append(sum(float(row.beam_mbps @ row.plan.share) for row in full))
        for before, after in pairwise(found):
            self.falls(before, after)
        assert found[-1] < 0.5 * found[0]

    def test_few_satellites_carry_less(self):
        """Beams are given without regard to feeder links, so that losing half of the satellites may raise a slot's total by a quarter."""
        lost = [{"name": "starlink", "lost_share": 0.97, "lost_seed": 1}]
        assert national_gbps(make_twin("Tonga", constellations=lost)) < 0.5 * national_gbps(make_twin("Tonga"))

    def test_losing_a_satellite_never_raises_the_bound_of_the_same_beams(self, slot):
        resources = slot.assembly.resources
        capacity = resources.capacity_mbps
        most = max_throughput(slot.assembly.flows, capacity).total
        for satellite in np.unique(slot.plan.satellite)[::5]:
            own = (resources.kind == ResourceKind.SATELLITE) & (resources.a == satellite)
            assert own.sum() == 1
            bound = max_throughput(slot.assembly.flows, np.where(own, 0.0, capacity)).total
            assert bound < most * (1.0 + 1e-9)

    def test_fewer_gateways(self):
        twin = make_twin("Tonga", network={"topology": "none"})
        scenes_frames = work(twin)
        names = twin.fleet.gateways.name
        used = [names[row] for row in np.flatnonzero(scenes_frames["gateway_mbps"].sum(axis=0))]
        assert used
        before, fewer = national_gbps(twin), national_gbps(make_twin("Tonga", network={"topology": "none", "without_gateways": used}))
        self.falls(before, fewer)

    def test_rain(self):
        twin = make_twin("Tonga")
        found = [national_gbps(twin)]
        found += [national_gbps(twin, with_weather(twin, twin.case, Weather(exceeded_percent=percent))) for percent in (1.0, 0.1, 0.01)]
        for before, after in pairwise(found):
            self.falls(before, after)
        assert found[-1] < 0.9 * found[0]

    def test_rain_over_gateways_too(self):
        # Where a gateway binds: dishes few and no other in reach.
        tables = {"weather": {"exceeded_percent": 0.01}, "capacity": {"parameters": {"gateway_dishes": 1.0}}}
        dry = make_twin("Tonga", **tables)
        wet = make_twin("Tonga", **(tables | {"weather": {"exceeded_percent": 0.01, "gateways": "same"}}))
        assert (dry.case.plant.gateway_share == 1.0).all()
        assert (wet.case.plant.gateway_share < 0.9).any()
        assert ((wet.case.plant.gateway_share >= 0.0) & (wet.case.plant.gateway_share <= 1.0)).all()
        assert national_gbps(wet) < 0.95 * national_gbps(dry)

    def test_fewer_licensed_channels(self):
        found = []
        for channels in ([], [1, 2, 3, 4], [2]):
            twin = make_twin("Tonga", capacity={"licensed_channels": channels})
            found.append(national_gbps(twin))
            if channels:
                full = twin.work_scene(next(twin.find_scenes(twin.rows)), saturate(twin.case))
                assert set(np.unique(full.plan.channel)) <= {number - 1 for number in channels}
        for before, after in pairwise(found):
            self.falls(before, after)
        assert found[-1] < 0.5 * found[0]

    def test_a_licence_binds_the_territory_only(self):
        twin = make_twin("Tonga", capacity={"licensed_channels": [1], "incumbents": 1.0})
        full = twin.work_scene(next(twin.find_scenes(twin.rows)), twin.case)
        ours = twin.market.own[full.plan.cell]
        assert set(np.unique(full.plan.channel[ours])) == {0}
        assert len(np.unique(full.plan.channel[~ours])) > 1

    def test_others_take_their_part(self):
        twin = make_twin("Malta", capacity={"incumbents": 1.0})
        shared, alone = national_gbps(twin), national_gbps(twin, scale_others(twin.case, 0.0))
        self.falls(alone, shared)

    @pytest.mark.parametrize("name", ["gateway_dishes", "backhaul_gbps_gateway", "pop_gbps", "laser_use_share"])
    def test_less_of_a_parameter(self, name):
        twin = make_twin("Tonga")
        value = twin.case.plant.values[name]
        found = [national_gbps(twin, with_parameters(twin, twin.case, {name: factor * value})) for factor in (1.0, 0.1, 0.0)]
        for before, after in pairwise(found):
            self.falls(before, after)

    def test_with_nothing_to_land_at_nothing_is_carried(self):
        twin = make_twin("Tonga", capacity={"parameters": {"gateway_dishes": 0.0}})
        assert national_gbps(twin) == 0.0
        found = work(twin)
        assert not found["delivered_down_mbps"].any()
        assert set(found["bottleneck"][found["active_terminals"] > 0.0]) <= {CellBound.GATEWAY, CellBound.NO_WAY, CellBound.FEEDER}


class TestFewOrNone:
    def test_a_file_without_terminals_is_worked_out(self, tmp_path):
        path = tmp_path / "none.csv"
        path.write_text("lat_deg,lon_deg,terminals\n35.9,14.4,0\n", encoding="utf-8")
        found = work(make_twin("Malta", capacity={"terminals_file": str(path)}))
        assert not found["active_terminals"].any()
        assert np.isnan(found["down_mbps"]).all()
        assert (found["bottleneck"] == CellBound.NOTHING).all()

    def test_unseen_cells_say_so(self):
        twin = make_twin("Malta", visibility={"user_mask_deg": 90.0})
        found = work(twin)
        assert (found["bottleneck"] == CellBound.UNSEEN).all()
        assert not found["down_mbps"].any()

    def test_without_a_ground_segment_there_is_no_capacity(self):
        assert make_twin("Malta", constellations=[{"name": "kuiper"}]) is None


class TestOwnRules:
    def test_own_allocator_and_landing_are_used(self):
        asked = {"allocator": 0, "landing": 0}
        usual = find_allocator("priority-greedy")

        def my_allocator(request):
            asked["allocator"] += 1
            return usual(request)

        def my_landing(state):
            asked["landing"] += 1
            return hot_potato(state)

        own = work(make_twin("Tonga", plugins=Plugins(allocator=my_allocator, landing=my_landing)))
        assert all(asked.values())
        named = work(make_twin("Tonga", capacity={"landing": "hot-potato"}))
        for name, values in named.items():
            np.testing.assert_array_equal(own[name], values, err_msg=name)

    def test_they_are_named_in_the_run(self, tmp_path):
        inputs = make_twin("Malta").inputs
        run = run_inputs(inputs, tmp_path / "run", plugins=Plugins(allocator=find_one_beam, landing=hot_potato))
        named = dict(map(tuple, run.manifest["inputs"]))
        assert named["own allocator"].endswith(".find_one_beam")
        assert named["own landing"] == "overflight.flow.feeders.hot_potato"
        with pytest.raises(OverflightError, match="--overwrite"):
            run_inputs(inputs, tmp_path / "run")

    def test_an_allocator_that_breaks_a_rule_gets_one_line(self):
        usual = find_allocator("priority-greedy")

        def greedy(request):
            plan = usual(request)
            return replace(plan, channel=(plan.channel + 8).astype(np.int8))

        with pytest.raises(ScenarioError, match="channel") as caught:
            work(make_twin("Malta", plugins=Plugins(allocator=greedy)))
        assert "\n" not in str(caught.value)

    def test_a_landing_that_breaks_a_rule_gets_one_line(self):
        def nowhere(state):
            return hot_potato(state)._replace(share=np.zeros(len(hot_potato(state).share)))

        with pytest.raises(OverflightError, match="shares above 0") as caught:
            work(make_twin("Malta", plugins=Plugins(landing=nowhere)))
        assert "\n" not in str(caught.value)

    @pytest.mark.parametrize("name", ["exact", "cosmosim-coordinated", "cosmosim-uncoordinated"])
    def test_every_built_in_allocator_serves(self, name):
        found = work(make_twin("Nauru", hours=0.005, capacity={"allocator": name, "cells_per_beam": 1}))
        assert (found["beams"] > 0).all()

    def test_capacity_needs_service(self):
        with pytest.raises(ScenarioError, match="capacity needs service: leave stop_after out"):
            parse_scenario({"territory": "Malta", "stop_after": "coverage", "capacity": {}}, source="test")


def find_one_beam(request):
    """At most one beam a cell."""
    return find_allocator("priority-greedy")(replace(request, need=np.minimum(request.need, 1)))


RUN = """
territory = "Tonga"
[time]
hours = 0.15
[sampling]
sensitivity = false
[capacity]
terminals = 5000
"""
BLOCKS = 9
"""36 slots, 4 to a block."""


@pytest.fixture(scope="module")
def inputs():
    import tomllib

    return gather_inputs(parse_scenario(tomllib.loads(RUN), source="test"))


def digest(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.rglob("*")) if path.is_file()
    }


@pytest.fixture(scope="module")
def done(inputs, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("overflight.capacity.twin.BLOCK_SLOTS", 4)
        return run_inputs(inputs, tmp_path_factory.mktemp("run") / "one", threads=1)


class TestSameBytes:
    def test_threads_do_not_change_a_byte(self, inputs, done, tmp_path, monkeypatch):
        monkeypatch.setattr("overflight.capacity.twin.BLOCK_SLOTS", 4)
        run_inputs(inputs, tmp_path / "two", threads=3)
        assert digest(tmp_path / "two") == digest(done.folder)

    def test_the_order_of_rows_of_terminals_does_not_matter(self, tmp_path):
        cells = [(-21.14, -175.2, 300), (-18.65, -174.0, 40), (-19.8, -174.35, 9)]
        found = []
        for number, rows in enumerate((cells, cells[::-1])):
            path = tmp_path / f"{number}.csv"
            path.write_text("lat_deg,lon_deg,terminals\n" + "".join(f"{a},{b},{n}\n" for a, b, n in rows), encoding="utf-8")
            assert len({cell_of(a, b) for a, b, _ in rows}) == 3
            found.append(work(make_twin("Tonga", capacity={"terminals_file": str(path), "incumbents": 1.0})))
        for name, values in found[0].items():
            np.testing.assert_array_equal(found[1][name], values, err_msg=name)

    def test_an_interrupted_run_goes_on_and_ends_with_the_same_bytes(self, inputs, done, tmp_path, monkeypatch):
        monkeypatch.setattr("overflight.capacity.twin.BLOCK_SLOTS", 4)
        calls = []

        def stop_at(share):
            calls.append(share)
            if len(calls) in {3, 6}:
                raise KeyboardInterrupt

        for _ in range(2):
            with pytest.raises(KeyboardInterrupt):
                run_inputs(inputs, tmp_path / "cut", threads=2, progress=stop_at)
            with pytest.raises(OverflightError, match="is not complete"):
                open_run(tmp_path / "cut")
        told = []
        run_inputs(inputs, tmp_path / "cut", threads=2, progress=told.append)
        assert 0 < len(told) < BLOCKS
        assert digest(tmp_path / "cut") == digest(done.folder)

    def test_kill_9_after_a_block_loses_nothing(self, done, tmp_path, inputs, monkeypatch):
        child = start_child(tmp_path)
        out = tmp_path / "out"
        deadline = time.monotonic() + 60.0
        while blocks_of_capacity(out) < 2:
            assert child.poll() is None, child.stderr.read()
            assert time.monotonic() < deadline
            time.sleep(0.002)
        os.kill(child.pid, signal.SIGKILL)
        assert child.wait() == -signal.SIGKILL
        child.stderr.close()
        assert 2 <= blocks_of_capacity(out) < BLOCKS
        monkeypatch.setattr("overflight.capacity.twin.BLOCK_SLOTS", 4)
        run_inputs(inputs, out, threads=2)
        assert digest(out) == digest(done.folder)

    def test_frames_can_be_read_again(self, done):
        capacity = done.fleets[0].capacity
        assert set(capacity.frames()) == set(CAPACITY_FRAMES)
        assert capacity.read("down_mbps").shape == (36, 20)
        assert capacity.read("others_down_mbps").shape == (36,)
        assert len(capacity.slot_start()) == 36


SLOW_CHILD = """
import sys, time
import overflight.capacity.twin as twin, overflight.run as run
twin.BLOCK_SLOTS = 4
note = run.RunWriter.note_block
run.RunWriter.note_block = lambda *block: (time.sleep(0.1), note(*block))
from overflight.cli import main
main(sys.argv[1:])
"""
"""The command, with time to be killed in between a block's bytes and its being noted as done."""


def start_child(folder: Path) -> subprocess.Popen:
    scenario = folder / "s.toml"
    scenario.write_text(RUN, encoding="utf-8")
    command = [sys.executable, "-c", SLOW_CHILD, "run", str(scenario), "--out", str(folder / "out"), "--threads", "2"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def blocks_of_capacity(out: Path) -> int:
    """Blocks of capacity noted as done; -1 before there is a note."""
    try:
        return json.loads((out / "progress.json").read_text(encoding="utf-8"))["blocks_done"].get("starlink:capacity", -1)
    except FileNotFoundError:
        return -1
