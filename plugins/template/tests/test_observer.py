from vqfw_template import observer

from vqfw.testing import parametrize_with_checks


def the_observer():
    return observer


@parametrize_with_checks("observer", [the_observer])
def test_every_hook_is_kept(check, factory):
    check(factory)
