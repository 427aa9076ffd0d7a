from keras import ops
from keras.initializers import RandomNormal

from vqfw.kinds import Count, Quantized, Quantizer, Seed


class Template(Quantizer):
    """Replaces each latent by the code of the nearest direction; gradients move the codes.

    Args:
        num_embeddings: Codes in the book, all of length 1.
    """

    def __init__(self, seed: Seed, num_embeddings: Count = 512) -> None:
        super().__init__()
        self.vocabulary, self.draw = (num_embeddings,), RandomNormal(seed=seed)

    def build(self, shape):
        self.vectors = self.add_weight((shape[-1], *self.vocabulary), self.draw)

    def embed(self, tokens):
        return ops.take(ops.normalize(ops.transpose(self.vectors)), tokens[..., 0], 0)

    def call(self, latents, training=False):
        tokens = ops.argmax(latents @ ops.normalize(self.vectors, 0), -1, keepdims=True)
        codes = self.embed(tokens)
        through = latents + ops.stop_gradient(codes - latents) if training else codes
        pull = ops.mean(ops.square(ops.stop_gradient(latents) - codes))
        commit = ops.mean(ops.square(latents - ops.stop_gradient(codes)))
        return Quantized(through, tokens, pull, commit, ops.zeros(()))
