from vqfw_template.image_augmentation import Template

from vqfw.testing import parametrize_with_checks


@parametrize_with_checks("augmentation", [Template])
def test_the_contract_is_kept(check, factory):
    check(factory)
