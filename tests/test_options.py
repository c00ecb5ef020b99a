"""What a model can be told: its own options, of the right kind and in range, and nothing else."""

import pytest

from hmgc_core.errors import BadConfig
from hmgc_core.models import options
from hmgc_core.models.options import chosen_options
from hmgc_core.options import Option
from hmgc_core.records import RunConfig

SWITCH = Option("share", default=False, words="Share", help="")
NUMBER = Option("margin", default=5.0, words="Margin", help="", low=0, high=10)
CHOICE = Option("window", default="around", words="Window", help="", choices=("above", "around"))


@pytest.fixture
def flat_has_options(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(options.OPTIONS, "flat", (SWITCH, NUMBER))
    monkeypatch.setitem(options.OPTIONS, "resnet_mini", (CHOICE,))


def config(**chosen: bool | float | str) -> RunConfig:
    return RunConfig(model="flat", backbone="resnet_mini", options=chosen)


@pytest.mark.usefixtures("flat_has_options")
def test_what_is_not_said_is_the_default():
    assert chosen_options(config()) == {"share": False, "margin": 5.0, "window": "around"}


@pytest.mark.usefixtures("flat_has_options")
def test_text_from_a_command_line_becomes_the_options_own_kind():
    assert chosen_options(config(share="yes", margin="2.5", window="above")) == {
        "share": True,
        "margin": 2.5,
        "window": "above",
    }


@pytest.mark.usefixtures("flat_has_options")
@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        ({"share": "perhaps"}, "share is 'perhaps'"),
        ({"margin": "wide"}, "margin is 'wide'"),
        ({"margin": 11.0}, "margin is 11.0"),
        ({"window": "below"}, "window is 'below'"),
        ({"windo": "above"}, "no option 'windo'"),
    ],
)
def test_anything_else_is_a_named_error_with_a_remedy(chosen: dict[str, bool | float | str], words: str):
    with pytest.raises(BadConfig, match=words) as caught:
        chosen_options(config(**chosen))
    assert caught.value.remedy


def test_a_model_without_options_says_so():
    with pytest.raises(BadConfig, match="no option 'margin'") as caught:
        chosen_options(RunConfig(model="hrn", backbone="resnet18", options={"margin": 1.0}))
    assert "no options" in caught.value.remedy


def test_a_config_keeps_its_options_through_json():
    assert RunConfig.from_dict(config(share=True).to_dict()) == config(share=True)
