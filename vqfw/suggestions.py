"""The nearest word to one that is unknown: ``did you mean "num_embeddings"?``.

Keys, components, verbs, runs, files and hooks are all suggested by this module, so it
stands below every room. It proposes and never changes a value.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import SequenceMatcher

SYNONYMS = {
    "augmentations": "augment augmentation transforms transform",
    "batch_size": "bs batch minibatch batchsize train_batch_size per_device_batch_size",
    "beta": "commitment_cost commitment_weight commitment_loss_weight commit_weight "
    "commitment commitment_beta",
    "channels": "out_channels z_channels embedding_channels",
    "checkpoint_every": "save_every save_interval save_steps ckpt_every eval_every",
    "dead_below": "threshold_ema_dead_code dead_code_threshold",
    "decay": "ema_decay codebook_decay",
    "embedding_dim": "embedding_size embed_dim code_dim codebook_dim codebook_dimension "
    "e_dim vq_embed_dim latent_dim dim d_model",
    "epochs": "num_epochs n_epochs max_epochs nb_epochs num_train_epochs",
    "filters": "hidden_dim hidden_channels num_hiddens base_channels ch width n_hid",
    "global_clipnorm": "grad_clip clip_grad gradient_clip max_grad_norm clip_grad_norm",
    "image_size": "img_size resolution input_size image_resolution img_dim",
    "initialization": "kmeans_init init",
    "interval": "revive_every restart_every reset_every",
    "keep_checkpoints": "save_total_limit max_to_keep",
    "learning_rate": "lr base_lr max_lr eta step_size",
    "levels": "num_quantizers n_q num_stages depth fsq_levels",
    "losses": "loss criterion reconstruction_loss objective",
    "num_embeddings": "n_embed n_e n_codes num_codes codebook_size vocab_size num_tokens "
    "num_codebook_vectors num_code_vectors dictionary_size k_bins",
    "path": "dir data_dir data_path root folder root_dir train_dir",
    "precision": "dtype mixed_precision amp fp16 bf16 half",
    "residual_blocks": "num_res_blocks n_res_block num_residual_layers res_blocks",
    "residual_filters": "num_residual_hiddens n_res_channel res_channels",
    "revival": "restart codebook_reset random_restart reset",
    "seed": "random_state random_seed rng_seed manual_seed",
    "steps": "max_steps num_steps train_steps iterations iters n_iter max_iter "
    "num_iterations total_steps max_train_steps",
    "threads": "workers num_workers n_jobs cpus num_threads",
    "weight_averaging": "ema use_ema ema_weights weight_ema",
    "mae": "l1 l1_loss mean_absolute_error",
    "mse": "l2 l2_loss mean_squared_error",
    "mixed_bfloat16": "bf16 bfloat16",
    "mixed_float16": "fp16 float16 half amp 16",
    "float32": "fp32 full single 32",
}
"""The word of this framework, and the words of papers and other libraries for it."""


def nearest_words(word: str, known: Iterable[str]) -> list[str]:
    """The known words nearest to a word, the best first.

    At most three; several only where they are equally near.

    >>> nearest_words("num_embedings", ["num_embeddings", "embedding_dim"])
    ['num_embeddings']
    """
    ranked = sorted(
        (cost, -SequenceMatcher(None, word, each).ratio(), each)
        for each in known
        if (cost := _cost(word, each)) is not None
    )
    return [each for cost, _, each in ranked if cost == ranked[0][0]][:3]


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The question that suggests the nearest known words; empty if none is near.

    >>> did_you_mean("emma", ["ema", "cosine"])
    'did you mean "ema"?'
    """
    close = nearest_words(word, known)
    return f"did you mean {alternatives(close)}?" if close else ""


def nearly_equal(word: str, known: Iterable[str]) -> list[str]:
    """The suggestions that are one typing error or a synonym away."""
    return [
        each for each in nearest_words(word, known) if (_cost(word, each) or 0) <= 1
    ]


def _cost(word: str, meant: str) -> float | None:
    """How far a word is from a known one; None if it is no suggestion."""
    given, wanted = bare(word), bare(meant)
    if not given:
        return None
    if given == wanted:
        return 0.5
    if is_called(word, meant):
        return 0.8
    most = max(1, len(wanted) // 3)
    if abs(len(given) - len(wanted)) <= most:
        edits = distance(given, wanted)
        if edits <= most:
            return float(edits)
    initials = "".join(part[0] for part in meant.split("_") if part)
    if len(given) >= 2 and (given == initials or wanted.startswith(given)):
        return 4.0
    if len(given) >= 4 and given in wanted:
        return 4.2
    if len(wanted) >= 4 and given.startswith(wanted):
        return 4.5
    return None


def distance(one: str, other: str) -> int:
    """Insertions, deletions, substitutions and swaps of neighbours between two words.

    Source: optimal string alignment, Boytsov 2011, section 2.2.1,
    https://doi.org/10.1145/1963190.1963191
    """
    before: list[int] = []
    above = list(range(len(other) + 1))
    for i, left in enumerate(one):
        row = [i + 1]
        for j, right in enumerate(other):
            cost = min(above[j + 1] + 1, row[j] + 1, above[j] + (left != right))
            if i and j and left == other[j - 1] and one[i - 1] == right:
                cost = min(cost, before[j - 1] + 1)
            row.append(cost)
        before, above = above, row
    return above[-1]


def alternatives(words: Iterable[str]) -> str:
    """``"a" or "b"``."""
    return " or ".join(f'"{word}"' for word in words)


def bare(word: str) -> str:
    """A word in lower case, without separators."""
    return word[:80].lower().translate({ord(each): None for each in "_- ."})


def _pairs() -> Iterator[tuple[str, str]]:
    for ours, others in SYNONYMS.items():
        for other in others.split():
            yield bare(other), ours


_MEANT = frozenset(_pairs())


def is_called(word: str, ours: str) -> bool:
    """Whether a word is a synonym of ``ours``.

    >>> is_called("n_embed", "num_embeddings"), is_called("lr", "decay")
    (True, False)
    """
    return (bare(word), ours) in _MEANT
