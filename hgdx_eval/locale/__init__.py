"""The languages of the texts that lie here."""

LANGUAGES = ("vi", "en")
