import numpy as np
import pytest

from overflight.catalog.tables import read_table
from overflight.errors import ScenarioError
from overflight.radio.spectrum import channel_plan, channels_of, channels_within, licensed_mask


def test_every_plan_fits_its_band_and_a_mask():
    table = read_table("channel_plans")
    for operator, link in dict.fromkeys(zip(table["operator"], table["link"], strict=True)):
        plan = channel_plan(operator, link)
        assert 1 <= len(plan) <= 32
        assert len(plan.polarisation) == len(plan.width_mhz) == len(plan)
        low, high = plan.centre_ghz - plan.width_mhz / 2000.0, plan.centre_ghz + plan.width_mhz / 2000.0
        inside = [any(a - 1e-9 <= f and t <= b + 1e-9 for a, b in plan.bands_ghz) for f, t in zip(low, high, strict=True)]
        assert all(inside), (operator, link)
        first = [k for k in range(len(plan)) if plan.polarisation[k] == plan.polarisation[0]]
        order = np.argsort(plan.centre_ghz[first])
        assert (low[first][order][1:] >= high[first][order][:-1] - 1e-9).all(), "channels overlap"


def test_starlinks_user_downlink():
    plan = channel_plan("starlink", "user-down")
    assert plan.centre_ghz.tolist() == [10.825, 11.075, 11.325, 11.575, 11.825, 12.075, 12.325, 12.575]
    assert set(plan.width_mhz.tolist()) == {240.0}
    assert plan.frequency_ghz == pytest.approx(11.7)
    assert plan.total_mhz == 1920.0
    assert plan.warning is None


def test_unknown_operators_stand_on_starlinks_plan_and_say_so():
    plan = channel_plan("qianfan", "user-up")
    assert plan.operator == "qianfan"
    assert plan.status == "assumed"
    assert plan.warning == "qianfan: no channel plan is built in; Starlink's stands in for it"


def test_masks():
    plan = channel_plan("starlink", "user-down")
    assert licensed_mask(plan, None) == 0xFF
    assert licensed_mask(plan, []) == 0
    assert licensed_mask(plan, [1, 3, 3]) == 0b101
    assert channels_of(0b101, plan) == (1, 3)
    assert channels_within(plan, 10.95, 12.7) == 0b11111110
    assert channels_within(plan, 10.7, 12.7) == plan.every_mask


def test_polarisations_are_counted():
    assert len(channel_plan("starlink", "feeder-up")) == 8
    assert channel_plan("starlink", "feeder-up").polarisation == ("RHCP",) * 4 + ("LHCP",) * 4


@pytest.mark.parametrize("channel", [0, 9, -1, 2.5, True])
def test_a_channel_outside_the_band_is_named_with_the_plan(channel):
    plan = channel_plan("starlink", "user-down")
    with pytest.raises(ScenarioError, match=rf"^channel {channel}: outside the band; .* channels 1 to 8, centred on 10.825, .*$"):
        licensed_mask(plan, [channel])


def test_other_nonsense():
    plan = channel_plan("starlink", "user-down")
    with pytest.raises(ScenarioError, match="give the lower frequency first"):
        channels_within(plan, 12.7, 10.7)
    with pytest.raises(ScenarioError, match="holds no channel"):
        channels_within(plan, 13.0, 14.0)
    with pytest.raises(ScenarioError, match="outside the band"):
        channels_of(1 << 8, plan)
    with pytest.raises(ScenarioError, match="link 'user' is not known"):
        channel_plan("starlink", "user")
    with pytest.raises(ScenarioError, match="oneweb has no link 'feeder-e-up'; there are: user-down"):
        channel_plan("oneweb", "feeder-e-up")
