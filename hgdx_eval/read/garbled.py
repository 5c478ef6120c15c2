"""Vietnamese text whose letters are not what they should be: UTF-8 once read as Windows text (mojibake), and the old encodings of fonts,
TCVN3 (.VnTime) and VNI. All three are letters that Unicode has too, so that only whole words tell them."""

import re
import unicodedata
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

from ..base.errors import InputError

MOST_WORDS = 3_000  # different ones by which a text is told
SURE, DOUBTFUL = 0.8, 0.5  # shares of words that are Vietnamese
LEAST = 2  # words, for one may be anybody's
TOKEN = re.compile(r"[^\s\x00-\x40\[-`{-\x7f]+")  # letters, and whatever is not ASCII
TONES = {"\u0300", "\u0301", "\u0303", "\u0309", "\u0323"}
ONSETS = "b|ch?|d|đ|gh?|gi|h|kh?|l|m|ngh?|nh?|ph?|qu|r|s|th?|tr|v|x"
NUCLEI = ("oai|oao|oay|oeo|uai|uao|uây|uôi|uya|uyê|uyu|ươi|ươu|uêu|iêu|yêu|ai|ao|au|ay|âu|ây|eo|êu|ia|iê|iu|oa|oă|oe|oi|oo|ôi|ơi|ua|"
          "uâ|uê|ui|uô|uơ|uy|ưa|ưi|ươ|ưu|ya|yê|a|ă|â|e|ê|i|o|ô|ơ|u|ư|y")  # fmt: skip
SYLLABLE = re.compile(rf"(?:{ONSETS})?(?:{NUCLEI})(?:ch|c|k|m|ng|nh|n|p|t)?")

# TCVN3 by the letter that Windows shows for its byte
TCVN3 = str.maketrans(dict(zip(
    "¸µ¶·¹¨¾»¼½Æ©ÊÇÈÉË®ÐÌÎÏÑªÕÒÓÔÖÝ×ØÜÞãßáâä«èåæçé¬íêëìîóïñòô\xadøõö÷ùýúûüþ¡¢£¤¥¦§",
    "áàảãạăắằẳẵặâấầẩẫậđéèẻẽẹêếềểễệíìỉĩịóòỏõọôốồổỗộơớờởỡợúùủũụưứừửữựýỳỷỹỵĂÂÊÔƠƯĐ", strict=True)))  # fmt: skip
VNI_MARKS = dict(zip("ùøûõïâáàåãäêéèúüë", (
    "\u0301", "\u0300", "\u0309", "\u0303", "\u0323",
    "\u0302", "\u0302\u0301", "\u0302\u0300", "\u0302\u0309", "\u0302\u0303", "\u0302\u0323",
    "\u0306", "\u0306\u0301", "\u0306\u0300", "\u0306\u0309", "\u0306\u0303", "\u0306\u0323"), strict=True))  # fmt: skip
VNI_LETTERS = {"æ": "ỉ", "ó": "ĩ", "ò": "ị", "î": "ỵ", "ñ": "đ", "ô": "ơ", "ö": "ư", "í": "í", "ì": "ì"}
VNI = re.compile(rf"([aeouyôö])([{''.join(VNI_MARKS)}])|([{''.join(VNI_LETTERS)}])", re.IGNORECASE)
NAMES = {
    "TCVN3": "the old encoding TCVN3 (fonts like .VnTime)", "VNI": "the old encoding VNI (fonts like VNI-Times)",
    "mojibake": "UTF-8 that was opened as Windows text and saved again (mojibake)",
}  # fmt: skip


def windows_bytes(name: str) -> dict[str, int]:
    """The byte of every letter of a Windows code page; what it leaves out is the control letter of that number."""
    told = {}
    for byte in range(256):
        try:
            told[bytes([byte]).decode(name)] = byte
        except UnicodeDecodeError:
            told[chr(byte)] = byte
    return {chr(byte): byte for byte in range(128, 160)} | told


PAGES = tuple(map(windows_bytes, ("cp1252", "cp1258")))


def turned_back(text: str, page: dict[str, int]) -> str | None:
    """UTF-8 that was read by a Windows code page as the text that it is; None where it is none."""
    try:
        return bytes(page[letter] for letter in text).decode("utf-8")
    except (KeyError, UnicodeDecodeError):
        return None


def from_vni(text: str) -> str:
    def letter(found: re.Match) -> str:
        base, mark, alone = found.groups()
        plain = (alone or base).lower()
        plain = VNI_LETTERS.get(plain, plain) + VNI_MARKS.get((mark or "").lower(), "")
        return plain if (alone or base).islower() else plain.upper()

    return unicodedata.normalize("NFC", VNI.sub(letter, text))


def from_mojibake(text: str) -> str:
    return next((found for page in PAGES if (found := turned_back(text, page)) is not None), text)


def from_tcvn3(text: str) -> str:
    return text.translate(TCVN3)


def is_vietnamese(word: str) -> bool:
    """Whether a word could be a Vietnamese syllable: one beginning, one vowel, one end, at most one tone; capitals first or all over."""
    if not (word[1:].islower() or word.isupper() or len(word) == 1):
        return False
    parts = unicodedata.normalize("NFD", word.casefold())
    toneless = unicodedata.normalize("NFC", "".join(letter for letter in parts if letter not in TONES))
    return sum(letter in TONES for letter in parts) <= 1 and SYLLABLE.fullmatch(toneless) is not None


def garbled(text: str, shown: str | None = None) -> str | None:
    """One of NAMES where words of a text are no Vietnamese but would be if they were that; None for any other text. `shown`: the same as
    Windows shows it, where its bytes are no UTF-8."""
    words = distinct(text)
    if any(turned != word and is_vietnamese(turned) for word in words if not is_vietnamese(word) for turned in [from_mojibake(word)]):
        return "mojibake"  # no word is that by chance
    if not words or share(words) >= DOUBTFUL:
        return None
    raw = words if shown is None else distinct(shown)
    for name, turn in (("TCVN3", from_tcvn3), ("VNI", from_vni)):
        turned = [word for told in raw for word in distinct(turn(told))]
        if sum(turn(word) != word for word in raw) >= LEAST and share(turned) >= SURE:
            return name
    return None


def distinct(text: str) -> list[str]:
    """The different words of a text that hold other letters than ASCII's."""
    found = dict.fromkeys(match[0] for match in TOKEN.finditer(unicodedata.normalize("NFC", text)) if not match[0].isascii())
    return list(islice(found, MOST_WORDS))


def share(words: list[str]) -> float:
    return sum(map(is_vietnamese, words)) / max(len(words), 1)


def refused(path: Path, name: str) -> InputError:
    return InputError(f"{path.name}: its text is {NAMES[name]}: other letters stand where Vietnamese ones should, and no name would be "
                      f"recognised; turn it into Unicode (UniKey's tools do), or export it again as UTF-8")  # fmt: skip


def check_cells(path: Path, rows: Iterable[list[str]]) -> None:
    """Raises InputError for cells in one of these encodings."""
    if name := garbled(" ".join(cell for row in rows for cell in row)):
        raise refused(path, name)


def mend(path: Path, target: Path) -> bool:
    """Write a text of mojibake to `target` as what it is; False where it is not mojibake from its first line to its last: then nothing is
    certain."""
    for page in PAGES:
        if mended(path, target, page):
            return True
        target.unlink(missing_ok=True)
    return False


def mended(path: Path, target: Path, page: dict[str, int]) -> bool:
    with (
        path.open(encoding="utf-8-sig", newline="", errors="surrogateescape") as file,
        target.open("x", encoding="utf-8", newline="") as out,
    ):
        while line := file.readline(1_000_000):
            told = line if line.isascii() else turned_back(line, page)
            if told is None:
                return False
            out.write(told)
    return True
