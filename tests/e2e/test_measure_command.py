"""`slochaos measure` as a user runs it."""

from __future__ import annotations

from tests.e2e.small_system import SmallSystem

MEASURE = ("measure", "--environment", "shop", "--baseline", "1s", "--recovery", "5s")


def test_one_document_comes_out_whatever_the_command_prints(small_system: SmallSystem) -> None:
    """With --format json the command's output goes to standard error; the record says how it ended."""
    answer = small_system.shell.slochaos(
        *MEASURE, "--cost", "orders=5%", "--format", "json", "--", "sh", "-c", "echo rolled out", within_s=60
    )
    assert answer.code == 0, answer.err
    assert answer.document["measured"]["arguments"] == ["sh", "-c", "echo rolled out"]
    assert answer.document["measured"]["exit_status"] == 0
    assert answer.document["objectives"][0]["verdict"] == "kept"
    assert "rolled out" in answer.err
    history = small_system.shell.slochaos("history", "--format", "json").document
    assert "measure" in str(history)


def test_a_failing_command_is_said_and_decides(small_system: SmallSystem) -> None:
    """Exit code 3 and its own status in words; as text, its output stands where it belongs."""
    answer = small_system.shell.slochaos(*MEASURE, "--", "sh", "-c", "echo half way; exit 9", within_s=60)
    assert answer.code == 3, answer.err
    assert "half way" in answer.out
    assert "the command exited with 9" in answer.out


def test_rules_and_durations_are_checked_before_anything_starts(small_system: SmallSystem) -> None:
    """Exit code 2 names the option; unknown objectives and commands that are not there too."""
    for wrong, said in (
        (("--cost", "orders"), "--cost orders"),
        (("--hold", "orders=often"), "--hold"),
        (("--hold", "ordres"), "did you mean"),
        (("--baseline", "soon"), "--baseline"),
    ):
        answer = small_system.shell.slochaos(*MEASURE, *wrong, "--", "true")
        assert answer.code == 2, (wrong, answer.err)
        assert said in answer.err, answer.err
    answer = small_system.shell.slochaos(*MEASURE, "--", "rollout-now")
    assert (answer.code, "no command 'rollout-now'" in answer.err) == (2, True), answer.err
