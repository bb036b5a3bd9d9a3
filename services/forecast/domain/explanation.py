"""What a forecast is made of, as one sentence in French and English."""

from dataclasses import dataclass

_NOTABLE_PERCENT = 2.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Sentences:
    """The same sentence in both languages."""

    french: str
    english: str


def sentences(parts: tuple[float, float, float]) -> Sentences:
    """Return what shares of calendar, weather and recent level, in per cent, say."""
    _, weather, recent = parts
    french = [f"{weather:.0f}\u202f% de la consommation prévue tient à la température"] if abs(weather) >= _NOTABLE_PERCENT else []
    english = [f"{weather:.0f}% of the expected consumption is due to the temperature"] if abs(weather) >= _NOTABLE_PERCENT else []
    if abs(recent) >= _NOTABLE_PERCENT:
        side_fr, side_en = ("au-dessus", "above") if recent > 0 else ("en dessous", "below")
        french.append(f"les derniers jours portent la prévision {abs(recent):.0f}\u202f% {side_fr} de l’habitude")
        english.append(f"the last days put the forecast {abs(recent):.0f}% {side_en} what is usual")
    if not french:
        return Sentences(
            french="La prévision suit le rythme habituel de l’heure, du jour et de la saison.",
            english="The forecast follows the usual rhythm of hour, day and season.",
        )
    return Sentences(french=_sentence(" ; ".join(french)), english=_sentence("; ".join(english)))


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
