from vqfw_template.quantizer import Template

from vqfw.testing import parametrize_with_checks


@parametrize_with_checks("quantizer", [lambda: Template(seed=0, num_embeddings=16)])
def test_the_contract_is_kept(check, factory):
    check(factory)
