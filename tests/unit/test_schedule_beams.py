from dataclasses import replace

import numpy as np
import pytest
from tests.beams_sample import make_request

from overflight.errors import ScenarioError
from overflight.schedule.beam_bounds import allocate_exactly, bound_beams, bound_by_matching
from overflight.schedule.beams import (
    ALLOCATORS,
    BeamPlan,
    BeamRequest,
    PriorityGreedy,
    count_beams,
    find_allocator,
    make_plan,
    share_kept,
    validate_plan,
)


def small(pairs, *, need, beams=2, channels=2, per_channel=1, priority=None, adjacent=(), **options):
    """A request from {cell: {satellite: Mbit/s}}, with all channels licensed."""
    cells, satellites = len(pairs), 1 + max(s for seen in pairs for s in seen)
    neighbours = np.full((cells, 6), -1, np.int32)
    for a, b in adjacent:
        neighbours[a, (neighbours[a] >= 0).sum()] = b
        neighbours[b, (neighbours[b] >= 0).sum()] = a
    return BeamRequest(
        indptr=np.concatenate([[0], np.cumsum([len(seen) for seen in pairs])]).astype(np.int64),
        satellite=np.array([s for seen in pairs for s in sorted(seen)], np.int32),
        value_mbps=np.array([float(seen[s]) for seen in pairs for s in sorted(seen)]),
        need=np.array(need, np.int32),
        priority=np.arange(cells, 0, -1, dtype=np.float64) if priority is None else np.array(priority, np.float64),
        licensed=np.full(cells, (1 << channels) - 1, np.uint32),
        beams=np.full(satellites, beams, np.int32),
        beams_per_channel=np.full(satellites, per_channel, np.int32),
        neighbours=neighbours,
        channels=channels,
        **options,
    )


def lights(plan):
    return list(zip(plan.cell.tolist(), plan.satellite.tolist(), plan.channel.tolist(), strict=True))


def test_the_better_satellite_lights_a_cell():
    assert lights(PriorityGreedy()(small([{0: 100, 1: 300}], need=[1]))) == [(0, 1, 0)]


def test_priority_decides_where_beams_lack():
    request = small([{0: 100}, {0: 100}, {0: 100}], need=[1, 1, 1], priority=[1.0, 3.0, 2.0])
    assert PriorityGreedy()(request).cell.tolist() == [1, 2]


@pytest.mark.parametrize(("order", "given"), [("shares", [1, 1]), ("rounds", [1, 1]), ("cells", [2])])
def test_first_beams_come_first_unless_cells_are_served_whole(order, given):
    request = small([{0: 100}, {0: 100}], need=[2, 2])
    assert np.bincount(PriorityGreedy(order=order)(request).cell).tolist() == given


def test_shares_level_what_part_of_their_need_cells_have():
    request = small([{0: 100}, {0: 100}], need=[4, 1], beams=4, channels=8, per_channel=4, priority=[1.0, 2.0])
    assert np.bincount(PriorityGreedy()(request).cell).tolist() == [3, 1]


def test_a_full_satellite_hands_a_cell_on_to_one_with_room():
    request = small([{0: 500, 1: 100}, {0: 100}], need=[1, 1], beams=1)
    plan = PriorityGreedy(warmth=0.02, refusal=0.0)(request)
    assert lights(plan) == [(0, 1, 0), (1, 0, 0)]


def test_adjacent_cells_take_different_channels_and_a_third_goes_without():
    triangle = [(0, 1), (1, 2), (0, 2)]
    request = small([{0: 100}] * 3, need=[1, 1, 1], beams=3, per_channel=3, adjacent=triangle)
    plan = PriorityGreedy()(request)
    assert sorted(plan.channel.tolist()) == [0, 1]
    assert count_beams(request, allocate_exactly(request)).given == 2
    assert bound_beams(request).beams == pytest.approx(2.0)
    assert bound_by_matching(request).beams == 3.0


def test_as_many_satellites_on_a_channel_as_allowed():
    for allowed in (1, 2):
        request = small([{0: 100, 1: 100, 2: 100}], need=[3], channels=1, satellites_per_channel=allowed)
        plan = PriorityGreedy()(request)
        assert len(plan) == allowed
        validate_plan(request, plan)


def test_a_cell_is_lit_on_licensed_channels_only():
    request = replace(small([{0: 100}], need=[2], channels=4), licensed=np.array([0b0100], np.uint32))
    assert lights(PriorityGreedy()(request)) == [(0, 0, 2)]


@pytest.mark.parametrize("worthless", [0.0, -5.0, np.nan])
def test_a_pair_that_is_worth_nothing_is_never_lit(worthless):
    request = small([{0: worthless}, {0: worthless, 1: 10}], need=[1, 1])
    assert lights(PriorityGreedy()(request)) == [(1, 1, 0)]
    assert lights(allocate_exactly(request)) == [(1, 1, 0)]
    assert bound_beams(request).beams == bound_by_matching(request).beams == 1.0


@pytest.mark.parametrize("name", ["priority-greedy", "exact"])
def test_nothing_asked_nothing_lit(name):
    empty = replace(small([{0: 100}], need=[0]), beams=np.array([0], np.int32))
    assert len(find_allocator(name)(empty)) == 0
    no_cells = make_request(rows=0, columns=0)
    assert len(find_allocator(name)(no_cells)) == 0
    assert count_beams(no_cells, find_allocator(name)(no_cells)).given == 0
    assert bound_beams(no_cells).beams == bound_by_matching(no_cells).beams == 0.0


def test_a_single_precision_value_serves_as_well():
    request = make_request(1)
    plan = PriorityGreedy()(replace(request, value_mbps=request.value_mbps.astype(np.float32)))
    validate_plan(request, plan)


def held_by(request, cell, satellite, channel):
    return replace(request, held=make_plan([cell], [satellite], [channel], [0]))


@pytest.mark.parametrize(("gain", "serving"), [(0.25, 1), (0.6, 0), (np.inf, 0)])
def test_a_cell_keeps_its_beam_unless_another_is_worth_enough_more(gain, serving):
    request = held_by(small([{0: 100, 1: 150}], need=[1]), 0, 0, 1)
    plan = PriorityGreedy(handover_gain=gain)(request)
    assert plan.satellite.tolist() == [serving]
    assert serving == 1 or plan.channel.tolist() == [1]


def test_a_held_beam_out_of_view_or_licence_is_given_up():
    gone = held_by(small([{1: 150}], need=[1]), 0, 0, 0)
    assert PriorityGreedy()(gone).satellite.tolist() == [1]
    shut = replace(held_by(small([{0: 100}], need=[1]), 0, 0, 1), licensed=np.array([1], np.uint32))
    assert PriorityGreedy()(shut).channel.tolist() == [0]


def test_a_held_beam_yields_to_a_cell_of_higher_priority_that_has_no_other():
    request = held_by(small([{0: 100}, {0: 100}], need=[1, 1], beams=1, priority=[2.0, 1.0]), 1, 0, 0)
    assert PriorityGreedy()(request).cell.tolist() == [0]


def test_others_keep_off_a_held_beam_while_they_can():
    request = held_by(small([{0: 300, 1: 100}, {0: 100}], need=[1, 1], beams=1, priority=[2.0, 1.0]), 1, 0, 0)
    assert lights(PriorityGreedy()(request)) == [(0, 1, 0), (1, 0, 0)]


def test_a_beam_is_shared_in_time_with_cells_that_have_none():
    request = small([{0: 100}] * 5, need=[1] * 5, beams=1, cells_per_beam=3)
    plan = PriorityGreedy()(request)
    assert plan.cell.tolist() == [0, 1, 2]
    assert plan.share == pytest.approx([1 / 3] * 3)
    assert plan.beam.tolist() == [0, 0, 0]
    counts = count_beams(request, plan)
    assert (counts.given, counts.lit_beams, counts.rate_mbps) == (3, 1, pytest.approx(100.0))
    assert counts.load.tolist() == [1.0]
    assert bound_by_matching(request).beams == 3.0


def test_adjacent_cells_may_share_one_beam_but_not_light_two():
    request = small([{0: 100}] * 2, need=[1, 1], channels=1, per_channel=2, adjacent=[(0, 1)], cells_per_beam=2)
    plan = PriorityGreedy()(request)
    assert plan.beam.tolist() == [0, 0]
    with pytest.raises(ScenarioError, match="adjacent cell"):
        validate_plan(request, replace(plan, beam=np.array([0, 1], np.int32)))


def test_counts_and_what_is_kept():
    request = small([{0: 100, 1: 200}, {0: 50}], need=[2, 1], beams=3, channels=3, per_channel=2)
    plan = PriorityGreedy()(request)
    counts = count_beams(request, plan)
    assert (counts.wanted, counts.given, counts.cells_wanting, counts.cells_lit) == (3, 3, 2, 2)
    assert counts.weighted_need == 2 * 2.0 + 1.0
    assert counts.weighted_first == 3.0
    assert share_kept(plan, plan) == 1.0
    other = replace(plan, channel=np.where(np.arange(3) == 0, 9, plan.channel).astype(np.int8))
    assert share_kept(plan, other) == pytest.approx(2 / 3)
    assert np.isnan(share_kept(make_plan([], [], [], []), plan))


def test_exact_serves_most_and_then_carries_most():
    request = small([{0: 500, 1: 400}, {0: 450, 1: 10}, {0: 1}], need=[1, 1, 1], beams=1, priority=[1.0, 1.0, 0.1])
    assert allocate_exactly(request).satellite.tolist() == [1, 0]


def test_exact_refuses_what_it_cannot_do():
    with pytest.raises(ScenarioError, match="does not share beams"):
        allocate_exactly(small([{0: 100}], need=[1], cells_per_beam=2))
    many = make_request(rows=60, columns=60, satellites=40, channels=4)
    with pytest.raises(ScenarioError, match="at most 100,000; take 'priority-greedy'"):
        allocate_exactly(many)


def test_allocators_are_found_by_name():
    assert {"priority-greedy", "exact", "cosmosim-coordinated", "cosmosim-uncoordinated"} <= set(ALLOCATORS)
    assert find_allocator("priority-greedy", handover_gain=1.0, order="cells") == PriorityGreedy(handover_gain=1.0, order="cells")
    assert find_allocator("priority-greedy") == PriorityGreedy()
    with pytest.raises(ScenarioError, match="beam allocation 'best': unknown; take one of priority-greedy, exact"):
        find_allocator("best")
    with pytest.raises(ScenarioError, match="order of beams 'fair': unknown"):
        find_allocator("priority-greedy", order="fair")
    with pytest.raises(ScenarioError, match="handover gain of -1"):
        PriorityGreedy(handover_gain=-1.0)
    with pytest.raises(ScenarioError, match=r"prices of beams \(load slope 0.2, warmth 0.0, refusal 1.25\)"):
        PriorityGreedy(warmth=0.0)


def edit(plan, **columns):
    return replace(plan, **{name: np.asarray(values, dtype=getattr(plan, name).dtype) for name, values in columns.items()})


BROKEN = {
    "there is no such cell": {"cell": [0, 7]},
    "there is no such satellite": {"satellite": [0, 7]},
    r"there is no such channel \(0 to 1\)": {"channel": [0, 2]},
    "not sorted by cell": {"cell": [1, 0]},
    "pair is not one of the cell's": {"pair": [0, 0]},
    "pair is of another satellite": {"satellite": [0, 1]},
    "share is not above 0": {"share": [1.0, 0.0]},
    "sum to more than 1": {"beam": [0, 0], "channel": [0, 0]},
    "a beam is of one satellite and channel": {"beam": [0, 0]},
    "more beams on the channel than it may": {"channel": [0, 0]},
    "cell has more beams than it needs": {"cell": [0, 0], "pair": [0, 0]},
}


@pytest.mark.parametrize("reason", BROKEN)
def test_what_breaks_a_rule_is_named(reason):
    request = small([{0: 100, 1: 1}, {0: 100, 1: 1}], need=[1, 1], cells_per_beam=2)
    plan = edit(make_plan([0, 1], [0, 0], [0, 1], [0, 2]), **BROKEN[reason])
    with pytest.raises(ScenarioError, match=f"^beam plan: cell .*, satellite .*, channel .*: .*{reason}"):
        validate_plan(request, plan)


def test_the_rest_of_the_rules_and_names_by_key():
    request = replace(
        small([{0: 100, 1: 100}], need=[2], beams=1),
        cell_key=np.array([0x8548EB57FFFFFFF], np.uint64),
        satellite_key=np.array([44713, 44714]),
    )
    with pytest.raises(
        ScenarioError, match="cell 8548eb57fffffff, satellite 44713, channel 1: the satellite lights more beams than it has"
    ):
        validate_plan(request, make_plan([0, 0], [0, 0], [0, 1], [0, 0]))
    with pytest.raises(ScenarioError, match="satellite 44714, channel 0: more than 1 satellites light the cell"):
        validate_plan(request, make_plan([0, 0], [0, 1], [0, 0], [0, 1]))
    with pytest.raises(ScenarioError, match="lit twice"):
        validate_plan(request, make_plan([0, 0], [0, 0], [0, 0], [0, 0]))
    with pytest.raises(ScenarioError, match="not licensed"):
        validate_plan(replace(request, licensed=np.array([2], np.uint32)), make_plan([0], [0], [0], [0]))
    two = small([{0: 100}, {0: 100}], need=[1, 1])
    with pytest.raises(ScenarioError, match="lights more than 1 cells"):
        validate_plan(two, make_plan([0, 1], [0, 0], [0, 0], [0, 1], share=[0.5, 0.5], beam=[4, 4]))
    plan = make_plan([0], [0], [0], [0])
    with pytest.raises(ScenarioError, match=r"share has shape \(2,\)"):
        validate_plan(request, BeamPlan(plan.cell, plan.satellite, plan.channel, np.ones(2), plan.pair, plan.beam))


@pytest.mark.shared
def test_taiwan_is_served_whole_on_the_real_fleet(shared):
    from benchmarks.bench_beams import make_request as make_real

    request = make_real("Taiwan", most=8)
    plan = PriorityGreedy()(request)
    validate_plan(request, plan)
    assert count_beams(request, plan).given == count_beams(request, plan).wanted
