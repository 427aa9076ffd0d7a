from vqfw_template.metric import Template

from vqfw.testing import parametrize_with_checks


@parametrize_with_checks("metric", [Template])
def test_the_contract_is_kept(check, factory):
    check(factory)
