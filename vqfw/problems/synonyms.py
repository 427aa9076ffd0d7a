"""What settings are called elsewhere: in papers, in other libraries, in short.

Data alone. A word that an experiment does not know is looked up here, and what it stands
for is proposed where such a key or value exists; nothing is ever renamed silently.
"""

from __future__ import annotations

from collections.abc import Iterator

OTHERS = {
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
    "mixed_bfloat16": "bf16 bfloat16",
    "mixed_float16": "fp16 float16 half amp 16",
    "float32": "fp32 full single 32",
}
"""The word of this framework, and the words that others have for it."""


def bare(word: str) -> str:
    """A word without what spelling habits differ in: case and separators."""
    return word[:80].lower().translate({ord(each): None for each in "_- ."})


def _pairs() -> Iterator[tuple[str, str]]:
    for ours, others in OTHERS.items():
        for other in others.split():
            yield bare(other), ours


_MEANT = frozenset(_pairs())


def is_called(word: str, ours: str) -> bool:
    """Whether others say a word where this framework says ``ours``.

    >>> is_called("n_embed", "num_embeddings"), is_called("lr", "decay")
    (True, False)
    """
    return (bare(word), ours) in _MEANT
