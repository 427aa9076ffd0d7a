from vqfw_template.revival import Template

from vqfw.testing import parametrize_with_checks


@parametrize_with_checks("revival", [Template])
def test_the_contract_is_kept(check, factory):
    check(factory)
