"""Trains a small model with a planted cause of collapse, and keeps the evidence.

    python tests/diagnosis/make_cases.py [NAME...]

writes ``cases/NAME.json``: the cause that was planted, and what the run showed. Without
names it makes all of them. The healthy case differs from the others in nothing but the
settings that each of them changes.
"""

import json
import os
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent

BASE = {
    "name": "case",
    "data": {
        "dataset": {"type": "synthetic_faces", "count": 256, "people": 64, "size": 16},
        "image_size": 16,
    },
    "model": {
        "type": "vqvae",
        "encoder": {
            "type": "residual_conv",
            "filters": 16,
            "channels": 16,
            "residual_filters": 8,
            "residual_blocks": 1,
            "downsampling": 4,
        },
        "quantizer": {"type": "ema", "num_embeddings": 64, "embedding_dim": 16},
        "revival": {"type": "perturb_active", "interval": 20},
        "beta": 0.25,
        "decoder": {
            "type": "residual_conv",
            "filters": 16,
            "residual_filters": 8,
            "residual_blocks": 1,
        },
    },
    "losses": ["mse"],
    "training": {
        "steps": 300,
        "batch_size": 16,
        "precision": "float32",
        "optimizer": {"type": "adam", "learning_rate": 0.002},
    },
    "evaluation": {"pictures": 1},
}

RANDOM_EMA = (
    'model.quantizer={"type":"ema","num_embeddings":64,"embedding_dim":16,'
    '"initialization":"random"}'
)
RANDOM_GRADIENT = (
    'model.quantizer={"type":"gradient","num_embeddings":64,"embedding_dim":16,'
    '"initialization":"random"}'
)
UNREVIVED = "model.revival=null"

# Name: the cause that is planted, and the changes that plant it.
CASES = {
    "healthy": ("", ()),
    "initial_scale": ("initial scale wrong", (RANDOM_GRADIENT, UNREVIVED)),
    "learning_rate_high": (
        "learning rate too high",
        ("training.optimizer.learning_rate=0.1",),
    ),
    "beta_high": ("beta too high", ("model.beta=100",)),
    "few_tokens": (
        "too few tokens a step",
        ("training.batch_size=1", "model.quantizer.num_embeddings=512"),
    ),
    "no_revival": (
        "no revival",
        (UNREVIVED, "model.quantizer.num_embeddings=256"),
    ),
    "learning_rate_low": (
        "learning rate too low",
        ("training.optimizer.learning_rate=1e-6",),
    ),
    "beta_low": ("beta too low", ("model.beta=0",)),
    "threshold_high": (
        "dead threshold too high",
        ("model.revival.dead_below=1.0", "model.revival.interval=5"),
    ),
    "offset": (
        "latents not normalised",
        (
            'model.encoder={"type":"offset","encoder":'
            + json.dumps(BASE["model"]["encoder"])
            + "}",
            RANDOM_EMA,
            UNREVIVED,
        ),
    ),
    "identical": (
        "codes identical",
        ('model.quantizer={"type":"copies"}', UNREVIVED),
    ),
}


def make(name: str) -> None:
    import vqfw
    from vqfw.diagnosis.evidence import evidence_of
    from vqfw.diagnosis.rules import findings_of

    cause, changes = CASES[name]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "case.json"
        path.write_text(json.dumps(BASE))
        run = vqfw.load(path, changes).run(name="case", root=Path(folder))
        seen = evidence_of(run.folder)
    case = {"cause": cause, "changes": changes, "evidence": seen.as_data()}
    (HERE / "cases" / f"{name}.json").write_text(json.dumps(case, indent=1) + "\n")
    print(f"{name}: planted {cause or 'nothing'!r}, found", flush=True)
    for finding in findings_of(seen):
        print(f"   {finding.cause}: {finding.sentence}", flush=True)


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import vqfw

    vqfw.use_plugin(HERE / "planted.py")
    for each in sys.argv[1:] or CASES:
        make(each)
