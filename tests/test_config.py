"""Configuration: round trips, refusals, the numbers the paper gives."""

import dataclasses
import json
from typing import Literal, get_args, get_origin, get_type_hints

import pytest

from vpuformer import config as module
from vpuformer.config import (
    DmaConfig,
    LossConfig,
    ModelConfig,
    PueConfig,
    dumps,
    from_json,
)
from vpuformer.errors import ConfigError

CLASSES = [c for c in vars(module).values() if isinstance(c, type) and dataclasses.is_dataclass(c)]


@pytest.mark.parametrize("cls", CLASSES)
def test_round_trip(cls):
    config = cls()
    assert from_json(cls, json.loads(dumps(config))) == config


def test_round_trip_keeps_every_literal_choice():
    for cls in CLASSES:
        for name, hint in get_type_hints(cls).items():
            for choice in get_args(hint) if get_origin(hint) is Literal else ():
                config = dataclasses.replace(cls(), **{name: choice})
                assert getattr(from_json(cls, json.loads(dumps(config))), name) == choice


def test_nested_config_comes_back_as_a_config():
    config = ModelConfig(pue=PueConfig(length=128, cut=1.0), dma=DmaConfig(form="literal"))
    back = from_json(ModelConfig, json.loads(dumps(config)))
    assert back == config and isinstance(back.pue, PueConfig)


@pytest.mark.parametrize("cls", CLASSES)
def test_frozen_and_keyword_only(cls):
    config = cls()
    first = dataclasses.fields(cls)[0].name
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(config, first, 1)
    with pytest.raises(TypeError):
        cls(1)


def test_unknown_field_and_impossible_value_are_refused():
    with pytest.raises(ConfigError, match="PueConfig has no field colour"):
        from_json(PueConfig, {"colour": 1})
    with pytest.raises(ConfigError, match=r"ModelConfig\.fusion is 'middle'.*'early', 'late'"):
        from_json(ModelConfig, {"fusion": "middle"})
    with pytest.raises(ConfigError, match=r"PueConfig\.sign"):
        from_json(ModelConfig, {"pue": {"sign": "two"}})


@pytest.mark.parametrize(("sign", "length"), [("onehot", 898), ("bit", 897), ("code3", 899)])
def test_vector_length(sign, length):
    assert PueConfig(sign=sign).vector_length == length


def test_numbers_of_the_paper():
    assert (PueConfig().sigma, ModelConfig().size, DmaConfig().depth) == (3.0, 448, 3)
    assert (LossConfig().alpha, LossConfig().gamma, LossConfig().p2cl) == (0.5, 2.0, 2.0)
