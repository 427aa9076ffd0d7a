from keras import initializers, ops

from vqfw.kinds import Count, Quantized, Quantizer, Seed


class Template(Quantizer):
    """Replaces each latent by the code of the nearest direction; gradients move the codes.

    Args:
        num_embeddings: Codes in the book, all of length 1.
    """

    def __init__(self, seed: Seed, num_embeddings: Count = 512) -> None:
        super().__init__()
        self.vocabulary = (num_embeddings,)
        self.draw = initializers.RandomNormal(seed=seed)

    def build(self, shape):
        shape = (shape[-1], *self.vocabulary)
        self.vectors = self.add_weight(shape, self.draw, name="vectors")

    def embed(self, tokens):
        return ops.take(ops.normalize(ops.transpose(self.vectors)), tokens[..., 0], 0)

    def call(self, latents, training=False):
        tokens = ops.argmax(latents @ ops.normalize(self.vectors, 0), -1, keepdims=True)
        return Quantized.of(latents, self.embed(tokens), tokens, training)
