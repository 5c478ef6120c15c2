"""The picture of the answer: its size, its words all on it, the same bytes twice."""

import io
import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from hgdx_eval.report import share
from hgdx_eval.report.share import HEIGHT, INSIDE, SIDE, WIDTH, extent, lines_of, plt, share_picture, split, styled

QUESTION = "Giảm phí, lệ phí có làm tăng tỷ lệ hồ sơ nộp trực tuyến không?"
ANSWER = {"before": "Có dấu hiệu là có. Sau Nghị quyết 04, tỷ lệ hồ sơ nộp trực tuyến ở thủ tục có thu phí ", "strong": "cao hơn 4,2 điểm phần trăm",
          "after": " so với mức ước tính nếu không giảm phí (khoảng tin cậy 95%: từ 3,6 đến 4,8)."}  # fmt: skip
LABELS = ["Rõ ràng có", "Có dấu hiệu", "Chưa rõ", "Không đáng kể", "Không thể kết luận"]
FOOT, MARK = "30/11/2026 · Hậu Giang", "SỐ LIỆU MÔ PHỎNG – không phải kết quả của Hậu Giang"


def made(**changes):
    said = dict(kicker="Đánh giá tác động chính sách", question=QUESTION, answer=ANSWER, verdict=2, labels=LABELS, foot=FOOT, mark=MARK)
    return share_picture(**{**said, **changes})


@pytest.fixture
def written(monkeypatch):
    """Every text that is written, as (x, y, text, size, bold)."""
    found = []
    plain = share.write
    monkeypatch.setattr(share, "write", lambda axes, x, y, text, size, colour, bold=False: (found.append((x, y, text, size, bold)),
                                                                                        plain(axes, x, y, text, size, colour, bold)))  # fmt: skip
    return found


def test_its_size_and_the_same_bytes_twice():
    first = made()
    image = Image.open(io.BytesIO(first))
    assert image.size == (1200, 630) and len(first) <= 150_000 and made() == first and made(verdict=3) != first


def test_every_word_is_on_it_and_inside_it_and_apart(written):
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a letter without a glyph warns
        made()
    text = " ".join(text for _, _, text, _, _ in written)
    assert all(" ".join(split(part)) in text for part in (QUESTION, *ANSWER.values(), FOOT, MARK, *LABELS))
    with styled():
        figure = plt.figure(figsize=(12, 6.3), dpi=100)
        boxes = [(x, y - size, x + extent(text, size, bold, figure), y) for x, y, text, size, bold in written]
    assert all(left >= SIDE and right <= WIDTH - SIDE + 1 and top >= 0 and bottom <= HEIGHT for left, top, right, bottom in boxes)
    for i, (left, top, right, bottom) in enumerate(boxes):
        assert not any(left < r - 1 and x < right - 1 and top < b - 1 and t < bottom - 1 for x, t, r, b in boxes[i + 1 :])


def test_a_long_question_and_answer_grow_smaller_until_they_fit(written):
    made(question=QUESTION * 3, answer={**ANSWER, "after": ANSWER["after"] * 3})
    text = " ".join(text for *_, text, _, _ in written)
    assert " ".join(split(QUESTION * 3)) in text and text.count("4,8).") == 3
    assert max(y for _, y, text, *_ in written if "4,8)." in text) <= share.ROOM


def test_real_data_bear_no_mark(written):
    made(mark="")
    assert MARK not in [text for _, _, text, _, _ in written]


@settings(max_examples=20, deadline=None)
@given(
    st.lists(
        st.text(st.characters(min_codepoint=33, max_codepoint=0x1EF9, categories=("L", "N", "P")), min_size=1, max_size=90), max_size=12
    )
)
def test_lines_hold_every_word_and_are_no_wider_than_they_may_be(words):
    with styled(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        figure = plt.figure(figsize=(12, 6.3), dpi=100)
        lines = lines_of([(word, False) for word in words], 30, figure)
        kept = [word for line in lines for word, _ in line]
        assert len(kept) == len(words) and all(
            a == b or (a.endswith("…") and b.startswith(a[:-1])) for a, b in zip(kept, words, strict=True)
        )
        assert all(extent(" ".join(word for word, _ in line), 30, False, figure) <= INSIDE * 1.02 for line in lines)
        plt.close(figure)
