"""Search words: whole words where scripts part them, letters and pairs where they do not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.words import LENGTH_MAX, TEXT_MAX, fold, has_word, range_of, words_asked, words_of


def is_found(text: str, query: str) -> bool:
    words = words_of(text)
    return all(has_word(words, asked) for asked in words_asked(query))


STORED = [
    ("", set()),
    ("Spindle vibration, line 4", {"spindle", "vibration", "line", "4"}),
    ("主轴振动", {"主轴", "轴振", "振动", "动"}),
    ("CNC主轴", {"cnc", "主轴", "轴"}),
    ("主 轴", {"主", "轴"}),
    ("主轴主轴", {"主轴", "轴主", "轴"}),
    ("Größe GRÖSSE", {"grösse"}),
    ("ＣＮＣ ﬁne", {"cnc", "fine"}),  # full-width letters and a ligature
    ("a_b-c.d", {"a", "b", "c", "d"}),
    ("температура воды", {"температура", "воды"}),
    ("درجة الحرارة", {"درجة", "الحرارة"}),
    ("อุณหภูมิ", None),  # Thai: looked at below
    ("x" * 100, {"x" * LENGTH_MAX}),
]


@pytest.mark.parametrize(("text", "words"), [pair for pair in STORED if pair[1] is not None])
def test_words_of_a_text(text: str, words: set[str]) -> None:
    assert words_of(text) == words


ASKED = [
    ("", []),
    ("振动", ["振动"]),
    ("振", ["振"]),
    ("主轴振动", ["主轴", "轴振", "振动"]),
    ("Spindle spindle LINE", ["spindle", "line"]),
    ("cnc主轴", ["cnc", "主轴"]),
]


@pytest.mark.parametrize(("query", "words"), ASKED)
def test_words_of_a_query(query: str, words: list[str]) -> None:
    assert words_asked(query) == words


FOUND = [
    ("主轴振动数据", "振动"),
    ("主轴振动数据 Spindle vibration", "vibration 数据"),
    ("อุณหภูมิน้ำ", "อุณหภูมิ"),
    ("スピンドル振動", "ピンドル"),
    ("Fräsen", "FRÄSEN"),
    ("主轴振动数据 spindle", "主"),
    ("主轴振动数据 spindle", "动 spindle"),
    ("主轴振动数据 spindle", "据 轴"),
    ("数", "数"),
    ("𠀀𪜶", "𪜶"),  # beyond the first plane
    ("가힣", "힣"),
    ("x" * 100, "x" * 80),
]


@pytest.mark.parametrize(("text", "query"), FOUND)
def test_a_text_is_found_by_a_part_of_it(text: str, query: str) -> None:
    assert is_found(text, query)


NOT_FOUND = [
    ("主轴振动", "动振"),
    ("主轴", "丶"),
    ("vibration", "vib"),
    ("vibration", "v"),
    ("vibration", "vibrations"),
]


@pytest.mark.parametrize(("text", "query"), NOT_FOUND)
def test_a_text_is_not_found_by_what_is_not_in_it(text: str, query: str) -> None:
    assert not is_found(text, query)


@given(st.text(max_size=60))
def test_any_text_is_found_by_itself(text: str) -> None:
    assert is_found(text, text)


@given(st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF), min_size=1, max_size=20), st.data())
def test_a_chinese_title_is_found_by_any_run_of_its_letters(title: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(title) - 1))
    stop = data.draw(st.integers(start + 1, len(title)))
    assert is_found(f"CNC {title} 2026", title[start:stop])


LETTERS = st.text(st.sampled_from("主轴振动ab 1ก가𠀀"), max_size=12)


@given(LETTERS, LETTERS)
def test_what_one_letter_finds_is_where_it_stands_in_an_unspaced_run(text: str, letters: str) -> None:
    for letter in letters:
        if range_of(letter) is not None:
            assert is_found(text, letter) == (letter in text)
        elif letter != " ":
            assert is_found(text, letter) == (letter in words_of(text))


def test_only_one_letter_of_a_script_without_spaces_stands_for_a_range() -> None:
    assert range_of("主") == ("主", "丼")
    assert [range_of(asked) for asked in ("", "主轴", "a", "1", "é", "я")] == [None] * 6


@given(st.text(max_size=40))
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(st.lists(st.text(max_size=20), max_size=4))
def test_words_are_short_and_folded(texts: list[str]) -> None:
    assert all(0 < len(word) <= LENGTH_MAX and fold(word) == word for word in words_of(*texts))


def test_only_the_first_letters_of_many_texts_make_work() -> None:
    title, keyword, description = "Spindle 主轴", "last", "x" * 1_000 + " early " + "y" * 2_000 + " late"
    found = words_of(title, keyword, description)
    assert {"spindle", "主轴", "last", "early"} <= found
    assert "late" not in found
    assert len(words_of("".join(map(chr, range(0x4E00, 0x9000))))) <= 2 * TEXT_MAX
