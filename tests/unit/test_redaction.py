"""Secrets are taken out of what is written down; what only looks like one is left."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slochaos.redaction import MASK, names_credential, redact


def test_known_secrets_go_wherever_they_stand() -> None:
    """In keys, values, lists and tuples, at any depth."""
    tree = {"a": ["x hunter2! y", ("hunter2!",)], "hunter2!": {"b": "hunter2!"}}
    assert redact(tree, ["hunter2!"]) == {"a": [f"x {MASK} y", (MASK,)], MASK: {"b": MASK}}


def test_longer_secrets_are_replaced_first() -> None:
    """A secret that contains another leaves no rest."""
    assert redact("abcdefgh", ["abcd", "abcdefgh"]) == MASK


def test_secrets_are_found_in_urls_and_json() -> None:
    """A secret with special characters is also found as URLs and JSON write it."""
    assert redact('u=pa%2Fss%22word j="pa/ss\\"word"', ['pa/ss"word']) == f'u={MASK} j="{MASK}"'


def test_short_secrets_do_not_eat_words() -> None:
    """A secret of one letter would destroy the text without hiding anything."""
    assert redact("a banana", ["a", ""]) == "a banana"


@pytest.mark.parametrize(
    "key",
    [
        "password",
        "DB_PASSWORD",
        "dbPassword",
        "api_key",
        "apiKey",
        "x-api-key",
        "Authorization",
        "auth.token",
    ],
)
def test_values_of_credential_keys_go(key: str) -> None:
    """Whatever the value is, the key says what it means."""
    assert redact({key: "x"}) == {key: MASK}


@pytest.mark.parametrize(
    "key", ["proxy", "key", "keyboard", "token_bucket", "compass", "max_tokens_per_s", "monkey"]
)
def test_other_keys_stay(key: str) -> None:
    """A word that contains one of ours is not a credential."""
    assert not names_credential(key)


def test_counts_of_tokens_are_no_secret() -> None:
    """`max_tokens` of a model call is a number to keep; a numeric password is not."""
    assert redact({"max_tokens": 512, "password": 1234, "has_password": True, "token": None}) == {
        "max_tokens": 512,
        "password": MASK,
        "has_password": True,
        "token": None,
    }


def test_inline_secrets_of_an_experiment_go_and_references_stay() -> None:
    """Under `secrets`, texts are secrets whatever their names are; where one comes from is no secret."""
    env = {"type": "env", "key": "DB_PASS"}
    assert redact({"secrets": {"svc": {"a": "x", "b": env}}}) == {"secrets": {"svc": {"a": MASK, "b": env}}}
    assert redact({"secrets": ["svc"]}) == {"secrets": ["svc"]}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("postgresql://ada:pa55@db/x", f"postgresql://ada:{MASK}@db/x"),
        ("Authorization: Bearer abcdefghijk", f"Authorization: Bearer {MASK}"),
        ("password=hunter2 ok", f"password={MASK} ok"),
        ('{"token": "a b c", "n": 1}', f'{{"token": "{MASK}", "n": 1}}'),
        ("http://127.0.0.1:8474/proxies", "http://127.0.0.1:8474/proxies"),
        ("the token of the run", "the token of the run"),
    ],
)
def test_free_text_loses_what_it_names_as_a_credential(text: str, expected: str) -> None:
    """URLs' passwords, Authorization headers and `password=` settings, and nothing around them."""
    assert redact(text) == expected


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda c: st.lists(c) | st.dictionaries(st.text(), c),
    )
)
def test_any_tree_is_redacted_without_an_error(tree: object) -> None:
    """Nothing that JSON can hold makes the redactor fail, and the secret is never left."""
    assert "s3cr3t!" not in repr(redact([tree, "s3cr3t!"], ["s3cr3t!"]))
