"""Invents what people and things are called: no name, address or number belongs to anybody."""

import unicodedata

import numpy as np

# fmt: off
_GIVEN = (
    "Adèle", "Agathe", "Alban", "Amina", "Anatole", "Apolline", "Armand", "Aurèle", "Axelle", "Basile", "Bérénice", "Blandine",
    "Brice", "Camille", "Capucine", "Céleste", "Clément", "Clotilde", "Colin", "Cosima", "Damien", "Daphné", "Delphine", "Diane",
    "Élias", "Élise", "Eloi", "Émile", "Estelle", "Éva", "Fanny", "Faustine", "Félix", "Fleur", "Gaspard", "Gauthier", "Germain",
    "Hélène", "Hugo", "Ilyes", "Inès", "Iris", "Jade", "Jonas", "Joris", "Judith", "Jules", "Karim", "Khadija", "Laure", "Léon",
    "Léopold", "Lila", "Lise", "Louison", "Lucien", "Maëlle", "Malik", "Manon", "Margaux", "Marius", "Mathilde", "Maxence", "Mélina",
    "Moussa", "Nadia", "Naël", "Nina", "Noé", "Océane", "Octave", "Odile", "Oriane", "Paloma", "Pauline", "Quentin", "Rachid",
    "Romane", "Rose", "Sacha", "Salomé", "Samuel", "Sarah", "Siméon", "Solène", "Soraya", "Sylvain", "Tanguy", "Théo", "Tiphaine",
    "Ulysse", "Valère", "Victoire", "Violette", "Yanis", "Yasmine", "Yvonne", "Zélie", "Zoé",
)
# fmt: on
# fmt: off
_FAMILY = (
    "Abelin", "Aubrac", "Barjol", "Bellencontre", "Berthomier", "Bessonnet", "Bourdieuil", "Brissandre", "Calvagnac", "Carpentas",
    "Chabrillon", "Champerret", "Charvolin", "Clergeot", "Corbinaud", "Courtavel", "Dambreuil", "Darcissac", "Delmartin",
    "Desbrières", "Doucelin", "Dumortel", "Escoubès", "Estrabaud", "Faucherand", "Ferrouillat", "Fontanès", "Fourcadel", "Gaillochet",
    "Garrivet", "Gaultrand", "Ginestous", "Grandvoinet", "Guérinaud", "Hautecloque", "Hébrardin", "Jolivard", "Jourdanel", "Kermadec",
    "Labrousse", "Lacassin", "Lamotherie", "Lanternier", "Larroquet", "Lespinas", "Lormeaux", "Maisonnial", "Malbranque", "Marcillat",
    "Mauvoisin", "Merlaudon", "Montrichel", "Morvillon", "Navailles", "Noirmont", "Ozanneau", "Pardaillac", "Pelletrat",
    "Pierrefonds", "Pontarlin", "Quercadel", "Rabastan", "Ravinel", "Rochebrune", "Roumégoux", "Sabourdin", "Saintonget", "Sarrazac",
    "Sauvegrain", "Taillandot", "Tessonneau", "Thévenard", "Toussaigne", "Trémolin", "Vaillandet", "Valcourant", "Verdelot",
    "Vieilleville", "Villarçay", "Zamourin",
)
# fmt: on


def person_name(rng: np.random.Generator) -> str:
    """Return an invented name."""
    return f"{_GIVEN[int(rng.integers(len(_GIVEN)))]} {_FAMILY[int(rng.integers(len(_FAMILY)))]}"


def slug(text: str) -> str:
    """Return the text as part of an id: a–z, 0–9 and single hyphens."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    words = "".join(letter if letter.isalnum() else " " for letter in plain.replace("'", " ")).split()
    return "-".join(words)
