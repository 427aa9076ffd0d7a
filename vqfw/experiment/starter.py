"""The experiment that ``vqfw init`` writes: small, commented, right as it is."""

STARTER = """\
{
  // Check it with: vqfw validate experiments/experiment.json
  // See what it would run with: vqfw plan experiments/experiment.json
  "$schema": "../schemas/experiment.schema.json",
  "name": "first",
  "data": {
    // "orl" is embedded; a path such as "./pictures.zip" takes your own images.
    "dataset": "orl",
    "crop": 92,          // centred square, in pixels of the picture
    "image_size": 64,    // what the model sees; the encoder halves it
    "augmentations": ["horizontal_flip"]
  },
  "model": {
    "type": "vqvae",
    "encoder": {"type": "residual_conv", "downsampling": 4},
    "quantizer": {"type": "ema", "num_embeddings": 512, "embedding_dim": 64},
    "revival": "perturb_active",
    "beta": 0.25,        // weight of the commitment loss; a number means constant
    "decoder": "residual_conv"
  },
  "losses": [{"type": "mse", "weight": 4}],
  "training": {
    "steps": 600,
    "optimizer": {"type": "adam", "learning_rate": 4e-4}
  }
}
"""
