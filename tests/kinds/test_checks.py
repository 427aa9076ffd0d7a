import pytest

from vqfw.testing import checks, general_checks, parametrize_with_checks


@pytest.mark.parametrize(
    "kind", ["beta", "decoder", "encoder", "model", "quantizer", "revival"]
)
def test_every_check_says_what_it_promises(kind):
    assert checks(kind)
    for check in checks(kind):
        assert check.__doc__.partition("\n")[0].endswith(".")


def test_a_kind_without_checks_is_refused_with_those_that_have_some():
    with pytest.raises(
        ValueError, match=r'no checks for kind "optimizer": .*quantizer'
    ):
        checks("optimizer")


def test_every_factory_meets_every_check():
    def first():
        pass

    def second():
        pass

    mark = parametrize_with_checks("beta", [first, second]).mark
    assert mark.args[0] == ("check", "factory")
    names = [case.id for case in mark.args[1]]
    assert len(set(names)) == 2 * (len(general_checks()) + len(checks("beta")))
    assert f"first-{checks('beta')[0].__name__}" in names
