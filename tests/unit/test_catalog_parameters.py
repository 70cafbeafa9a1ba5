import numpy as np
import pytest

from overflight.catalog.parameters import draw_parameters, find_parameter, list_parameters, parameter_values
from overflight.catalog.tables import STATUSES
from overflight.errors import ScenarioError


def test_every_parameter_is_whole():
    names = [parameter.name for parameter in list_parameters()]
    assert len(names) == len(set(names))
    for parameter in list_parameters():
        assert parameter.low <= parameter.value <= parameter.high
        assert parameter.status in STATUSES
        assert all((parameter.unit, parameter.meaning, parameter.source, parameter.date)), parameter.name


def test_lookups_and_overrides():
    assert find_parameter("roll_off").unit == "1"
    assert parameter_values({"roll_off": 0.1})["roll_off"] == 0.1
    with pytest.raises(ScenarioError, match=r"'rolloff' is not known; nearest: .*roll_off"):
        find_parameter("rolloff")
    with pytest.raises(ScenarioError, match="nan is not a number"):
        parameter_values({"roll_off": float("nan")})


def test_draws_stay_when_more_are_drawn():
    few, many = draw_parameters(5, 7, names=["roll_off"]), draw_parameters(50, 7)
    assert np.array_equal(few["roll_off"], many["roll_off"][:5])
    assert not np.array_equal(many["roll_off"], draw_parameters(50, 8)["roll_off"])
    assert set(many) == {parameter.name for parameter in list_parameters()}
    with pytest.raises(ScenarioError, match="whole numbers from 0"):
        draw_parameters(-1, 0)


def test_draws_are_triangular():
    for parameter in list_parameters():
        drawn = draw_parameters(20_000, 1, names=[parameter.name])[parameter.name]
        assert drawn.min() >= parameter.low
        assert drawn.max() <= parameter.high
        mean = (parameter.low + parameter.value + parameter.high) / 3.0
        assert drawn.mean() == pytest.approx(mean, abs=0.01 * max(parameter.high - parameter.low, 1e-12))
