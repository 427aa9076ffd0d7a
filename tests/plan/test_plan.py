"""A plan settles everything that needs no data, and runs nothing."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import vqfw
from vqfw.errors import ExperimentError, dotted
from vqfw.plan import settled_precision, settled_threads
from vqfw.registry import build

ROOT = Path(__file__).parents[2]
EXPERIMENT = ROOT / "experiments" / "experiment.json"


def planned(*overrides: str, find_data: bool = False):
    return vqfw.load(EXPERIMENT, overrides).plan(find_data=find_data)


def test_the_plan_follows_the_channels_of_the_data():
    assert planned().image_shape == (64, 64, 1)
    lfw = vqfw.load(ROOT / "experiments" / "lfw.json").plan(find_data=False)
    assert lfw.image_shape == (64, 64, 3)


def test_a_size_that_cannot_be_halved_names_both_repairs():
    with pytest.raises(ExperimentError) as caught:
        planned("data.image_size=66")
    (problem,) = caught.value.problems
    assert problem.code == "size-mismatch"
    assert problem.place is not None
    assert "64 or 68" in problem.help
    assert 'encoder "downsampling" to 2' in problem.help


def test_every_problem_of_every_component_is_reported_at_once():
    with pytest.raises(ExperimentError) as caught:
        planned("data.image_size=10", "model.encoder.downsampling=4")
    codes = [problem.code for problem in caught.value.problems]
    assert codes == ["image-too-small", "size-mismatch"] or set(codes) == {
        "image-too-small",
        "size-mismatch",
    }


def test_a_ramp_longer_than_the_training_is_a_warning():
    plan = planned("model.beta=linear", "model.beta.steps=5000", "training.steps=100")
    assert [problem.code for problem in plan.warnings] == ["schedule-outlasts-training"]


def nested(*names, **innermost):
    """A quantizer in a quantizer in a quantizer."""
    *outer, last = names
    value = {"type": last, **innermost}
    for name in reversed(outer):
        value = {"type": name, "quantizer": value}
    return f"model.quantizer={json.dumps(value)}"


@pytest.mark.parametrize(
    ("names", "warned"),
    [
        (["ema"], False),
        (["fsq"], True),
        (["residual", "gradient"], False),
        (["residual", "fsq"], True),
        (["grouped", "residual", "lfq"], True),
        (["grouped", "residual", "ema"], False),
    ],
)
def test_an_idle_revival_that_the_experiment_sets_is_a_warning(names, warned):
    found = planned(nested(*names)).warnings
    assert [problem.code for problem in found] == ["revival-without-codebook"] * warned
    assert all(problem.place is not None for problem in found)
    assert not planned(nested(*names), "model.revival=null").warnings


def test_an_idle_default_revival_is_no_warning(tiny_file):
    text = json.loads(tiny_file.read_text())
    text["model"] |= {"quantizer": "fsq"}
    del text["model"]["revival"]
    tiny_file.write_text(json.dumps(text))
    plan = vqfw.load(tiny_file).plan()
    assert plan.experiment.model["revival"]["type"] == "perturb_active"
    assert not plan.warnings


BOOKLESS = """
from keras import ops
from vqfw.kinds import Quantized, Quantizer

class Bookless(Quantizer):
    vocabulary = (4,)

    def build(self, shape):
        self.vectors = self.add_weight((4, shape[-1]), name="vectors")

    def embed(self, tokens):
        return ops.take(self.vectors, tokens[..., 0], axis=0)

    def call(self, latents, training=False):
        tokens = ops.argmax(latents @ ops.transpose(self.vectors), -1, keepdims=True)
        return Quantized.of(latents, self.embed(tokens), tokens, training)
"""


@pytest.mark.processes
def test_an_idle_default_revival_of_a_third_party_quantizer_is_a_warning(
    tiny_file, install
):
    install("vqfw-odd", BOOKLESS, {"vqfw.quantizers": "bookless = MODULE:Bookless"})
    text = json.loads(tiny_file.read_text())
    text["model"] |= {"quantizer": "bookless"}
    del text["model"]["revival"]
    tiny_file.write_text(json.dumps(text))
    (problem,) = vqfw.load(tiny_file).plan().warnings
    assert problem.code == "revival-without-codebook"
    assert "only a CodebookQuantizer of vqfw.kinds" in problem.note
    mended = vqfw.load(tiny_file, [problem.help.removeprefix("--set ")])
    assert not mended.plan().warnings


@pytest.mark.default_cases(1)
@pytest.mark.parametrize(
    ("quantizer", "row"),
    [
        ("ema", "perturb_active · every 5 steps"),
        ("fsq", "perturb_active · idle: the model has no codebooks"),
    ],
)
def test_a_plan_says_what_its_revival_does(quantizer, row, tiny_file, command):
    change = f"model.quantizer={quantizer}"
    answer = command("plan", tiny_file, "--set", change)
    assert [
        x.split(None, 1)[1] for x in answer.out.splitlines() if "revival  " in x
    ] == [row]
    off = command("plan", tiny_file, "--set", change, "--set", "model.revival=null")
    assert "revival  " not in off.out


@pytest.mark.parametrize("names", [["ema"], ["cosine"], ["residual", "ema"]])
def test_a_warm_up_that_outlasts_the_training_is_refused(names):
    with pytest.raises(ExperimentError) as caught:
        planned(nested(*names, warm_up=12), "training.steps=12")
    (problem,) = caught.value.problems
    assert problem.code == "warm-up-outlasts-training"
    assert problem.help == 'set "warm_up" to 6 or less'
    assert planned(nested(*names, warm_up=6), "training.steps=12")


@pytest.mark.parametrize(
    ("change", "code", "path"),
    [
        (nested("residual", "lfq", bits=18, factors=4), "size-mismatch", "factors"),
        (nested("grouped", "bsq", bits=48), "too-many-codes", "bits"),
        (nested("residual", "fsq", levels=[256] * 4), "too-many-codes", "levels"),
    ],
)
def test_a_problem_of_a_wrapped_quantizer_has_its_own_path(change, code, path):
    with pytest.raises(ExperimentError) as caught:
        planned(change, "model.revival=null")
    (problem,) = caught.value.problems
    assert problem.code == code
    assert dotted(problem.path) == f"model.quantizer.quantizer.{path}"
    assert problem.place is not None


def test_groups_must_divide_the_channels_of_the_encoder():
    with pytest.raises(ExperimentError) as caught:
        planned('model.quantizer={"type": "grouped", "groups": 3}')
    (problem,) = caught.value.problems
    assert problem.code == "size-mismatch"
    assert dotted(problem.path) == "model.quantizer.groups"


@pytest.mark.parametrize("setting", ["residual.levels", "grouped.groups"])
def test_one_level_or_group_is_refused(setting):
    name, _, option = setting.partition(".")
    with pytest.raises(ExperimentError) as caught:
        planned(f'model.quantizer={{"type": "{name}", "{option}": 1}}')
    (problem,) = caught.value.problems
    assert "2" in problem.message + problem.help + problem.note


def test_the_outline_counts_the_codes_of_every_book():
    from vqfw.assembly.outline import outline_of

    plan = planned(
        nested("residual", "grouped", "ema", num_embeddings=16, embedding_dim=32),
        "model.quantizer.levels=3",
    )
    found = outline_of(plan)
    assert found.vocabulary == (16,) * 6
    assert found.token_shape == (16, 16, 6)
    assert found.codebook == 6 * 16 * 32
    assert found.bits_per_image == 16 * 16 * 6 * 4


def test_a_plan_knows_the_packages_of_its_components():
    assert planned().distributions == ("vqfw",)


def test_epochs_become_steps_once_the_data_is_known():
    plan = planned("training.steps=null", "training.epochs=3")
    assert plan.steps(train_images=320) == 30
    assert planned("training.steps=7").steps(train_images=320) == 7


def test_automatic_precision_is_bfloat16_where_the_hardware_has_it(monkeypatch):
    monkeypatch.setattr("vqfw.plan.devices", lambda: ["cpu:0"])
    monkeypatch.setattr("vqfw.plan.processor_flags", lambda: frozenset({"avx2"}))
    assert settled_precision("auto") == "float32"
    monkeypatch.setattr("vqfw.plan.processor_flags", lambda: frozenset({"amx_bf16"}))
    assert settled_precision("auto") == "mixed_bfloat16"
    assert settled_precision("float32") == "float32"


def test_threads_default_to_all_processors_of_the_process():
    assert settled_threads(3) == 3
    assert settled_threads(None) == len(os.sched_getaffinity(0))


def test_the_outline_has_the_numbers_of_the_model():
    from vqfw.assembly.outline import outline_of

    found = outline_of(planned("training.batch_size=4"))
    assert found.latent_shape == (16, 16, 64)
    assert found.token_shape == (16, 16, 1)
    assert found.vocabulary == (512,)
    assert found.bits_per_image == 256 * 9
    assert found.compression == pytest.approx(64 * 64 * 8 / (256 * 9))
    assert found.codebook == 512 * 64
    # Adam keeps two moments of every trained parameter, a step and a learning rate.
    assert found.optimizer_bytes == 4 * (2 * found.trainable + 2)
    assert found.activation_bytes > 4 * 64 * 64 * 4


def test_a_model_without_tokens_has_no_bits_before_it_is_trained():
    from vqfw.assembly.outline import outline_of

    plan = vqfw.load(ROOT / "experiments" / "vae.json").plan(find_data=False)
    found = outline_of(plan)
    assert found.bits_per_image is None
    assert found.compression is None
    assert found.token_shape == ()


@pytest.mark.processes
def test_planning_writes_nothing_and_needs_no_data(tmp_path):
    code = "from vqfw.cli.command_line import main; main()"
    found = subprocess.run(
        [
            *(
                sys.executable,
                "-c",
                code,
                "plan",
                str(ROOT / "experiments" / "lfw.json"),
            ),
            *("--set", "training.steps=5", "--json", "--measure"),
        ],
        cwd=tmp_path,
        env={**os.environ, "VQFW_DATA": "", "VQFW_CACHE": str(tmp_path / "cache")},
        capture_output=True,
        text=True,
    )
    assert found.returncode == 0, found.stderr
    told = json.loads(found.stdout)
    assert told["image_shape"] == [64, 64, 3]
    assert told["seconds_per_step"] > 0
    assert list(tmp_path.iterdir()) == []


def optimizer(**options):
    return f"training.optimizer={json.dumps({'type': 'adam', **options})}"


def stepwise(boundaries, values):
    schedule = {"boundaries": boundaries, "values": values}
    return optimizer(learning_rate={"type": "piecewise_constant_decay", **schedule})


def decay(rate):
    schedule = {"initial_learning_rate": rate, "decay_steps": 10}
    return optimizer(learning_rate={"type": "cosine_decay", **schedule})


@pytest.mark.parametrize(
    ("override", "path"),
    [
        (optimizer(clipnorm=1, global_clipnorm=1), "training.optimizer"),
        (optimizer(gradient_accumulation_steps=1), "training.optimizer"),
        (stepwise([100, 200], [1e-3, 1e-4]), "training.optimizer.learning_rate"),
        (decay([1, 2]), "training.optimizer.learning_rate"),
    ],
)
def test_problems_of_the_optimizer_are_found_before_data_is_read(override, path):
    with pytest.raises(ExperimentError) as caught:
        planned("data.dataset=lfw", override, find_data=False)
    (problem,) = caught.value.problems
    assert problem.code == "refused-by-component"
    assert dotted(problem.path) == path
    assert problem.place is not None
    assert problem.place.source.startswith("--set")
    assert problem.help.startswith("change ")


def test_a_rate_that_is_no_number_is_found_by_the_schema():
    with pytest.raises(ExperimentError) as caught:
        vqfw.load(EXPERIMENT, [stepwise(["a"], [1e-3, 1e-4])])
    (problem,) = caught.value.problems
    assert problem.code == "wrong-type"
    planned(stepwise([100], [1e-3, 1e-4]))


def test_problems_of_the_optimizer_are_reported_with_all_others():
    with pytest.raises(ExperimentError) as caught:
        planned("data.image_size=66", optimizer(gradient_accumulation_steps=1))
    codes = {problem.code for problem in caught.value.problems}
    assert codes == {"size-mismatch", "refused-by-component"}


def test_the_encoder_is_built_for_the_channels_of_the_data(monkeypatch):
    asked = []

    def watched(kind, options, supplied, *path):
        if kind == "encoder":
            asked.append(supplied["image_shape"])
        return build(kind, options, supplied, *path)

    monkeypatch.setattr("vqfw.plan.build", watched)
    planned()
    assert asked == [(64, 64, 1)]


def test_a_dataset_path_is_relative_to_its_file_and_may_lead_anywhere(
    tiny_file, tmp_path_factory
):
    outside = tmp_path_factory.mktemp("outside")
    base = tiny_file.parent / "base"
    base.mkdir()
    (base / "tiny.json").write_text(tiny_file.read_text())
    own = {"name": "own", "data": {"dataset": os.path.relpath(outside, base)}}
    (base / "own.json").write_text(json.dumps({"extends": "tiny.json", **own}))
    (tiny_file.parent / "child.json").write_text('{"extends": "base/own.json"}')
    for file in ("base/own.json", "child.json"):
        assert vqfw.load(file).plan().dataset_path == str(outside)
