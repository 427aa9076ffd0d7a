"""All problems of all runs of a study are reported at once, with their places."""

import pytest

from vqfw.errors import ExperimentError, PluginError
from vqfw.study import checking
from vqfw.study.loading import load_grid

HEAD = '"name": "small", "experiment": "tiny.json"'


HERE = "▸"  # stands before what is wrong, and is taken out


@pytest.fixture
def problems(write):
    """Checks that problems are exactly at the marks, in order; gives codes and texts."""

    def find(text, *changes):
        parts = text.split(HERE)
        marks = []
        for number in range(1, len(parts)):
            before = "".join(parts[:number]).splitlines() or [""]
            marks.append((len(before), len(before[-1]) + 1))
        path = write("".join(parts))
        with pytest.raises(ExperimentError) as caught:
            load_grid(path, changes)
        found = caught.value.problems
        mine = [each.place for each in found if each.place.source == str(path)]
        assert [(place.line, place.column) for place in mine] == marks, found
        told = " ".join(f"{each.message}; {each.help}" for each in found)
        return [each.code for each in found], told

    return find


def test_every_problem_of_every_run_is_reported_once_with_its_place(problems):
    text = f"""{{{HEAD},
      ▸"varies": 1,
      "arms": {{
        "a": {{"model.quantizer": {{"type": ▸"emma"}}}},
        "b": {{"model.quantizer": {{▸"decai": 0.9}}}},
        "c": {{▸"training.batchsize": 8}}
      }},
      "vary": {{
        "training.steps": [10, ▸0],
        "seed": [0, 1, 2]
      }}
    }}"""
    codes, told = problems(text)
    unknown = ["unknown-key", "unknown-component", "unknown-key", "unknown-key"]
    assert codes == [*unknown, "out-of-range"]
    for meant in ("ema", "decay", "batch_size"):
        assert f'did you mean "{meant}"?' in told


@pytest.mark.parametrize(
    ("text", "code", "repair"),
    [
        ("▸[]", "wrong-type", "a study must be an object"),
        ('▸{"experiment": "tiny.json"}', "missing-key", 'a study needs "name"'),
        ('▸{"name": "small"}', "missing-key", 'a study needs "experiment"'),
        (f'{{{HEAD}, "vary": {{"seed": ▸[]}}}}', "wrong-length", "add some"),
        (f'{{{HEAD}, "vary": {{"seed": ▸1}}}}', "wrong-type", "a list: [1]"),
        (f'{{{HEAD}, "arms": {{"a": ▸1}}}}', "wrong-type", "an object"),
        (f'{{{HEAD}, "arms": {{▸" ": {{}}}}}}', "bad-name", "my arm"),
        (
            f'{{{HEAD}, "vary": {{▸"a..b": [1]}}}}',
            "invalid-override",
            "keys joined by dots",
        ),
        (
            f'{{{HEAD}, "vary": {{▸"extends": ["x"]}}}}',
            "invalid-override",
            "in the experiment file",
        ),
        (
            f'{{{HEAD}, "vary": {{▸"notes": [{{}}]}}}}',
            "invalid-override",
            "has no effect",
        ),
        (
            f'{{{HEAD}, "vary": {{▸"losses[3].weight": [1]}}}}',
            "invalid-override",
            "write [0]",
        ),
        (
            f'{{{HEAD}, "vary": {{"seed": [1, ▸1]}}}}',
            "duplicate-component",
            "seed 1 is listed twice",
        ),
        (
            f'{{{HEAD}, "arms": {{"a": {{"seed": 0}}, "b": {{"seed": ▸0}}}}}}',
            "duplicate-component",
            '"a" and "b" are the same experiment',
        ),
        (
            f'{{{HEAD}, "arms": {{"a": {{▸"seed": 0}}}}, "vary": {{"seed": [1]}}}}',
            "conflicting-settings",
            "remove it from one of them",
        ),
        (
            '{"name": "small", "experiment": ▸"../tiny.json"}',
            "invalid-extends",
            "in or below the folder",
        ),
        (
            '{"name": "small", "experiment": ▸"tinny.json"}',
            "invalid-extends",
            'did you mean "tiny.json"',
        ),
        ('{"name": ▸"Small", "experiment": "tiny.json"}', "bad-name", '"small"'),
        (f"{{{HEAD}, ▸'arms': {{}}}}", "invalid-json", '"arms"'),
    ],
)
def test_an_error_of_a_study_file_has_its_place_and_its_repair(
    problems, text, code, repair
):
    codes, told = problems(text)
    assert codes == [code]
    assert repair in told


def test_an_error_of_the_experiment_is_reported_once_in_its_own_file(write, tiny_file):
    tiny_file.write_text(tiny_file.read_text().replace('"beta": 0.25', '"beta": -1'))
    path = write(vary={"seed": [0, 1, 2], "training.steps": ["x"]})
    with pytest.raises(ExperimentError) as caught:
        load_grid(path)
    mine, base = caught.value.problems
    assert mine.place.source == str(path)
    assert base.place.source == str(tiny_file)
    assert base.place.column == tiny_file.read_text().index("-1") + 1


def test_an_error_in_a_set_argument_is_reported_too(problems):
    _, told = problems(f"{{{HEAD}}}", "training.stepps=1")
    assert 'did you mean "steps"?' in told


def test_a_grid_that_is_too_large_is_refused_before_it_is_made(problems, monkeypatch):
    monkeypatch.setattr(checking, "checked", None)
    values = list(range(40))
    axes = {f"training.{key}": values for key in ("steps", "batch_size")}
    text = f'{{{HEAD}, ▸"vary": {axes}}}'.replace("'", '"')
    codes, told = problems(text)
    assert codes == ["too-big"]
    assert "1,600 runs, and 1,000 are allowed" in told


def test_an_expected_score_of_an_unknown_row_is_a_warning(load):
    study = load(arms={"ema": {}}, expected={"emma": {"psnr": 20}, "ema": {"psnr": 20}})
    (warning,) = study.warnings
    assert 'did you mean "ema"?' in warning.help
    assert warning.severity == "warning"


def test_components_that_cannot_be_used_end_with_the_code_of_plugins(load, monkeypatch):
    broken = {"model.quantizer": {"type": "vqfw-nowhere/odd"}}
    with pytest.raises(PluginError) as caught:
        load(arms={"a": broken, "b": {**broken, "seed": 1}})
    assert caught.value.exit_code == 3


def test_the_command_line_prints_problems_with_their_lines(write, command):
    write(f'{{{HEAD},\n"arms": {{"a": {{"model.beta": -1}}}}}}')
    answer = command("study", "study.json")
    assert answer.code == 2
    assert "--> study.json:2:30   at model.beta" in answer.err
    assert "Nothing was run" in answer.err
    assert command("study", "study.json", "--json").data["problems"][0]["line"] == 2
