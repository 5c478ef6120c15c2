LANGUAGES = ("vi", "en")
