"""TODO"""

LANGUAGES = ("vi", "en")
