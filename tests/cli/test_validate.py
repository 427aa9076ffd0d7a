"""``vqfw validate``: warnings as text and as data, and the command that checks more."""


def test_validate_prints_warnings_and_the_command_that_checks_components(
    tiny_file, command
):
    answer = command("validate", "tiny.json", "--set", "data.crop=8")
    assert answer.code == 0
    assert "warning[upscaling]" in answer.err
    assert "is valid" in answer.err
    assert answer.hint() == ["plan", "tiny.json"]


def test_validate_gives_warnings_as_data(tiny_file, command):
    answer = command("validate", "tiny.json", "--set", "data.crop=8", "--json")
    assert answer.data["problems"] == []
    assert [each["code"] for each in answer.data["warnings"]] == ["upscaling"]
