"""TODO"""



LANGUAGES = ("vi", "en")
