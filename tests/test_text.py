"""The analyser, in both languages."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

import grainline.text
from grainline.text import language, question_terms, sentences, terms

ANY = st.text(alphabet=st.one_of(st.characters(codec="utf-8"), st.sampled_from("。！？.!? \n“”’」a盗窃Z1_")), max_size=200)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ＨＴＴＰ　Ｓｅｒｖｅｒ", ["http", "server"]),
        ("Müller's naïve cafés", ["muller", "naiv", "cafe"]),
        ("get_file_name", ["get_file_name", "get", "file", "name"]),
        ("parseHTTPResponse", ["parsehttpresponse", "pars", "http", "respons"]),
        ("1,571.7 million", ["1571.7", "million"]),
        ("2022年通信业", ["2022", "年通", "通信", "信业"]),
        ("Vec<T>在Rust里", ["vec", "t", "在", "rust", "里"]),
        ("東京タワー", ["東京", "京タ", "タワ", "ワー"]),
        ("", []),
    ],
)
def test_terms(text: str, expected: list[str]) -> None:
    assert terms(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It cost $3.50. Then we left.", ["It cost $3.50.", "Then we left."]),
        ("See Fig. 3 and Eq. 4 for this. OK?", ["See Fig. 3 and Eq. 4 for this.", "OK?"]),
        ("The U.S. Army. The end", ["The U.S. Army.", "The end"]),
        ("本院认为：被告人有罪。判决如下：\n一、处罚金。", ["本院认为：被告人有罪。", "判决如下：", "一、处罚金。"]),
        ("他问：“为什么？”没人回答……", ["他问：“为什么？”", "没人回答……"]),
        ("One line\nwraps here. Two.", ["One line\nwraps here.", "Two."]),
        ("- first\n- second", ["- first", "- second"]),
        ("para one\n\npara two", ["para one", "para two"]),
    ],
)
def test_sentences(text: str, expected: list[str]) -> None:
    assert [text[start:end] for start, end in sentences(text)] == expected


@given(ANY)
def test_sentences_cover_all_but_white_space(text: str) -> None:
    spans = sentences(text)
    assert all(start < end for start, end in spans)
    assert all(one[1] <= other[0] for one, other in pairwise(spans))
    assert "".join("".join(text[start:end].split()) for start, end in spans) == "".join(text.split())


@given(ANY)
def test_terms_of_a_question_are_terms_of_its_text(text: str) -> None:
    assert set(question_terms(text)) <= set(terms(text)) | set(terms(" ".join(grainline.text.CJK_ASKING.split(text))))


@given(ANY)
def test_terms_do_not_depend_on_what_came_before(text: str) -> None:
    assert terms(text) == terms(text)
    assert language(text) in ("", "en", "zh")
