"""Files are read with limits, and every value keeps its line."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from slochaos.errors import InvalidInput
from slochaos.spec import documents
from tests.unit.spec.writing import write

BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{b}: &{b} [{','.join(['*' + a] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)


def problem(path: Path, content: str | bytes) -> str:
    with pytest.raises(InvalidInput) as caught:
        documents.load(write(path, content))
    return str(caught.value)


def test_line_of_every_value(tmp_path: Path) -> None:
    """A value's line is that of its key, in YAML as in JSON, blocks and lists included."""
    for name, content in (
        ("x.yaml", "a:\n  b:\n    - 1\n    - c: 2\n"),
        ("x.json", '{"a":\n{"b":\n[1,\n{"c":2}]}}'),
    ):
        document = documents.load(write(tmp_path / name, content))
        assert document.data == {"a": {"b": [1, {"c": 2}]}}
        assert [
            document.line(path) for path in ((), ("a",), ("a", "b"), ("a", "b", 1), ("a", "b", 1, "c"))
        ] == ([1, 1, 2, 4, 4])
        assert document.line(("a", "b", 7)) == 2


def test_error_names_file_line_and_path(tmp_path: Path) -> None:
    """An error about a value reads `file:line: path: message`, with the hint on its own line."""
    path = write(tmp_path / "x.yaml", "a:\n  - 'odd key': 1\n")
    error = documents.load(path).error(("a", 0, "odd key"), "is odd", "even it")
    assert str(error) == f"{path}:2: a[0]['odd key']: is odd\n  -> even it"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('{"a": 1, "b": 2,\n "a": 3}', ":2: the key 'a' stands twice, first at line 1"),
        ('{"a": NaN}', "'NaN' is not a JSON value"),
        ('{"a": Infinity}', "'Infinity' is not a JSON value"),
        ('{"a": -Infinity}', "'-Infinity' is not a JSON value"),
        ('{"a": 1e999}', "'1e999' is too large"),
        ('{"a": 01}', "'01' is not a JSON value"),
        ('{"a": 1,}', "JSON takes no trailing comma"),
        ("[1,\n]", ":2: a comma before ']'"),
        ("[1 2]", "'2' stands where ',' or ']' has to be"),
        ("{'a': 1}", "has to be"),
        ('{"a" 1}', "'1' stands where ':' has to be"),
        ('{"a": "b\nc"}', "invalid control character"),
        ('{"a": "unended', "unterminated string"),
        ('{"a": "\\ud800"}', "half of a surrogate pair"),
        ('{"a": "\\u0000"}', "a NUL character"),
        ('{"a": 1} // why', "after the end of the document"),
        ("{", "the end of the file"),
        ("[" * 65, "nested more than 64 levels deep"),
        ("[" * 200_000, "nested more than 64 levels deep"),
        ("9" * 301, "a number of 301 characters"),
        ("not json", "'not' is not a JSON value"),
    ],
)
def test_json_is_strict(tmp_path: Path, content: str, expected: str) -> None:
    """What RFC 8259 does not allow is refused with its line."""
    assert expected in problem(tmp_path / "x.json", content)


def test_json_takes_tabs_and_every_escape(tmp_path: Path) -> None:
    """What RFC 8259 allows is read as json.loads reads it."""
    content = '\t{"a\\n\\u00e9\\ud83d\\ude00":\t[1, -0.5e+3, true, false, null, {}, []]}\r\n'
    assert documents.load(write(tmp_path / "x.json", content)).data == json.loads(content)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("a: 1\nb: 2\na: 3\n", ":3: the key 'a' stands twice, first at line 1"),
        ("a: &x 1\n", ":1: anchors (&) and aliases (*) are not taken"),
        ("a: *x\n", "aliases (*) are not taken"),
        (BOMB, ":1: anchors (&) and aliases (*)"),
        (
            "a: !!python/object:os.system x\n",
            "the tag 'tag:yaml.org,2002:python/object:os.system' is not taken",
        ),
        ("a: !x y\n", "is not taken"),
        ("<<: {a: 1}\n", "merge keys (<<) are not taken"),
        ("? [a, b]\n: c\n", "a key has to be one word"),
        ("a:\n\tb: 1\n", "YAML takes no tabs"),
        ("a: b: c\n", ":1: not YAML"),
        ("a: [1, 2\n", "not YAML"),
        ("a: 1\n---\nb: 2\n", ":3: a second document begins here"),
        ("# nothing\n", "the file holds no value"),
        ('a: "\\0"\n', "a NUL character"),
        ('a: "\\ud800"\n', "x.yaml:1"),
        ("a: \x07\n", "not YAML"),
        ("- " * 65 + "a", "nested more than 64 levels deep"),
        ("[" * 200_000, "nested more than 64 levels deep"),
        ("{a: " * 200_000, "nested more than 64 levels deep"),
        ("", "the file is empty"),
        (" \n", "the file is empty"),
        (b"\xef\xbb\xbfa: 1\n", "begins with a byte order mark"),
        (b"a: 1\nb: \xff\n", ":2: not UTF-8 (byte 0xff)"),
        ("a: 1\n".encode("utf-16"), "not UTF-8"),
        (b"#" * (1024 * 1024 + 1), "larger than 1 MiB"),
    ],
)
def test_yaml_is_limited(tmp_path: Path, content: str | bytes, expected: str) -> None:
    """YAML's surprises are refused with their line, before anything is built of them."""
    assert expected in problem(tmp_path / "x.yaml", content)


def test_yaml_scalars_of_our_files_are_those_of_json(tmp_path: Path) -> None:
    """`on`, octals, dates and separators stay text; JSON's numbers and words are values."""
    text = "[on, yes, 010, 0x1f, 1_000, 2024-01-01, 12:30, .5, +1, .inf, 1, 0.25, true, null, ~, '1']"
    expected = ["on", "yes", "010", "0x1f", "1_000", "2024-01-01", "12:30", ".5", "+1", ".inf"]
    assert documents.load(write(tmp_path / "x.yaml", text)).data == [
        *expected,
        1,
        0.25,
        True,
        None,
        None,
        "1",
    ]
    assert documents.load(write(tmp_path / "y.yaml", "8080: on")).data == {"8080": "on"}


def test_yaml_scalars_of_experiments_are_those_of_chaoslib(tmp_path: Path) -> None:
    """Experiments are read as PyYAML reads them, dates and YAML 1.1 booleans included."""
    text = "{on: off, a: 010, b: 2024-01-01, c: 1_000, d: .inf, e: '2024-01-01', f: 12:30, 200: x}"
    data = documents.load(write(tmp_path / "x.yaml", text), types="pyyaml").data
    assert data == yaml.safe_load(text)
    assert data["b"] == dt.date(2024, 1, 1)


@pytest.mark.parametrize(
    "text", ["a: 2024-13-45", "a: =", "a: 0b_", "a: " + "9" * 5000, "{.nan: 1, a: b, 0x_: 1}"]
)
def test_impossible_yaml_values_are_refused(tmp_path: Path, text: str) -> None:
    """A scalar that PyYAML recognizes and cannot build is one message, not a traceback."""
    with pytest.raises(InvalidInput, match=r"YAML 1\.1"):
        documents.load(write(tmp_path / "x.yaml", text), types="pyyaml")


def test_only_regular_readable_files_of_known_kinds(tmp_path: Path) -> None:
    """A folder, a pipe, a missing file (with its near miss) and another suffix say so."""
    write(tmp_path / "outage.json", "{}")
    os.mkfifo(tmp_path / "pipe.json")
    (tmp_path / "folder.json").mkdir()
    for name, expected in (
        ("outrage.json", "does not exist\n  -> did you mean 'outage.json'?"),
        ("folder.json", "is a folder"),
        ("pipe.json", "is not a regular file"),
        ("x.toml", "has to end in .json, .yaml or .yml"),
        ("no/where.json", "there is no folder"),
        ("a\0b.json", "cannot be read"),
        ("a" * 300 + ".json", "cannot be read"),
    ):
        with pytest.raises(InvalidInput) as caught:
            documents.load(tmp_path / name)
        assert expected in str(caught.value)


def test_variables_are_filled_after_parsing(tmp_path: Path) -> None:
    """A value with quotes and newlines changes nothing but the text that names it; keys are not filled."""
    document = documents.load(
        write(tmp_path / "x.yaml", "a: 'x{job=\"${job}\"}'\n${job}: $$5 $ 5$\nb: [1, true]\n")
    )
    filled = document.filled({"job": '"} or\nb: 2 ${job}'})
    assert filled.data == {"a": 'x{job=""} or\nb: 2 ${job}"}', "${job}": "$5 $ 5$", "b": [1, True]}


@pytest.mark.parametrize("text", ["${jbo}", "${job", "${}", "${a b}"])
def test_unset_variables_are_errors(tmp_path: Path, text: str) -> None:
    """An unset or malformed reference names its place, and the near miss."""
    with pytest.raises(InvalidInput) as caught:
        documents.load(write(tmp_path / "x.yaml", f"a:\n  b: '{text}'\n")).filled({"job": "x"})
    assert "x.yaml:2: a.b: " in str(caught.value)
    assert text != "${jbo}" or "did you mean 'job'?" in str(caught.value)


@given(
    content=st.binary(max_size=400),
    name=st.sampled_from(["x.json", "x.yaml"]),
    types=st.sampled_from(["json", "pyyaml"]),
)
def test_any_bytes_load_or_are_invalid(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, name: str, types: documents.Types
) -> None:
    """Whatever a file holds, it loads or raises InvalidInput."""
    path = write(tmp_path_factory.getbasetemp() / name, content)
    with contextlib.suppress(InvalidInput):
        documents.load(path, types)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=5),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(value=JSON, indent=st.sampled_from([None, 2]), ascii_only=st.booleans())
def test_json_reads_as_the_standard_library_does(
    tmp_path_factory: pytest.TempPathFactory, value: object, indent: int | None, ascii_only: bool
) -> None:
    """Every JSON value comes back as it was written."""
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    assert documents.load(write(tmp_path_factory.getbasetemp() / "y.json", text)).data == json.loads(text)


@given(text=st.text("abn-:[]{}, \n'\"#|>?0123.ey~", max_size=40))
def test_yaml_reads_as_chaoslib_does(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    """What is accepted is what yaml.safe_load gives."""
    path = write(tmp_path_factory.getbasetemp() / "z.yaml", text)
    try:
        data = documents.load(path, types="pyyaml").data
    except InvalidInput:
        return
    assert repr(data) == repr(yaml.safe_load(text))
