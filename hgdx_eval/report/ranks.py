"""A rank among placebos, told by its meaning: "39 of 42" would read as fourth worst."""

from ..study.words import Words


def ranked(rank: int, number: int, words: Words, by: str = "size") -> str:
    """How many of the other units moved more (`by` size), or have a larger ratio of errors after and before (`by` ratio).
    `rank`: the treated one's among `number`, itself included."""
    many = "none" if rank == 1 else "all" if rank == number else "some"
    return words(f"story.ranked_{by}_{many}", more=words.number(rank - 1), others=words.number(number - 1))
