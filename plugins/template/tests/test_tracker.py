from vqfw_template.tracker import Template

from vqfw.testing import parametrize_with_checks


@parametrize_with_checks("tracker", [Template])
def test_the_contract_is_kept(check, factory):
    check(factory)
