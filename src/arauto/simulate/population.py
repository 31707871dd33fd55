"""The people of a world: each by a number, always the same for a seed."""

from __future__ import annotations

from arauto.catalogue.stand_ins import stand_in
from arauto.catalogue.world import World
from arauto.model import JSON, Recipient, Wishes
from arauto.simulate.chance import Chance

_FIRST = 20_001
"""The number of the first person: as long as those of customers usually are."""
_NAMES = {
    "pt": (
        "Ana Beatriz Caio Conceição Davi Elisa Felipe Gabriela João Larissa Márcio Natália Otávio Patrícia Rafael "
        "Sônia Tiago Valéria",
        "Almeida Araújo Barbosa Cardoso Costa Ferreira Gonçalves Lima Magalhães Nóbrega Oliveira Pereira Ribeiro "
        "Santos Silva Souza Teixeira Vasconcelos",
    ),
    "en": (
        "Alice Ben Charlotte Daniel Emma Frank Grace Harry Isla Jack Kate Oliver",
        "Bennett Clarke Davies Evans Green Hughes Miller Robinson Taylor Walker Wood",
    ),
}
_SPLIT = {language: (given.split(), family.split()) for language, (given, family) in _NAMES.items()}


class Population:
    """Those whom events name."""

    def __init__(self, world: World, chance: Chance) -> None:
        self._people, self._chance = world.people, chance
        self.all = tuple(map(self._person, range(world.people.count)))

    def anybody(self, drawn: float) -> Recipient:
        """Somebody: some have much more to do with the project than others."""
        return self.all[int(len(self.all) * drawn**1.3)]

    def _person(self, number: int) -> Recipient:
        people, chance = self._people, self._chance
        id = people.id.replace("{number}", str(_FIRST + number))
        locale = chance.pick(people.locales, "locale", number)
        given, family = _SPLIT.get(locale.partition("-")[0], _SPLIT["en"])
        first, last = (
            names[int(chance.of(kind, number) * len(names))] for kind, names in (("given", given), ("family", family))
        )
        reached = [name for name, share in people.addresses.items() if chance.of("address", name, number) < share]
        addresses = {name: [address] for name in reached if (address := stand_in(name, id)) is not None}
        return Recipient(
            id=id,
            name=f"{first} {last}",
            locale=locale,
            time_zone=chance.pick(people.time_zones, "zone", number),
            addresses=addresses,
            attributes=self._attributes(number),
            wishes=self._wishes(number),
        )

    def _attributes(self, number: int) -> dict[str, JSON]:
        found: dict[str, JSON] = {}
        for name, choices in self._people.attributes.items():
            left = self._chance.of("attribute", name, number)
            for value, share in choices:
                left -= share
                if left < 0:
                    found[name] = value
                    break
        return found

    def _wishes(self, number: int) -> Wishes:
        people, chance = self._people, self._chance
        quiet, share = people.quiet or (None, 0.0)
        said = {name: {"*": True} for name, share in people.agree.items() if chance.of("agree", name, number) < share}
        said |= {name: {"*": False} for name, no in people.refuse.items() if chance.of("refuse", name, number) < no}
        return Wishes(categories=said, quiet_hours=quiet if chance.of("quiet", number) < share else None)


def told_of(person: Recipient, fact: str) -> JSON:
    """What events say of somebody; None where there is nothing to say."""
    if fact in ("id", "name", "locale", "time_zone"):
        told: JSON = getattr(person, fact)
        return told
    if fact.startswith("attributes."):
        return person.attributes.get(fact.removeprefix("attributes."))
    addresses = person.addresses.get(fact)
    return addresses[0] if addresses else None


__all__ = ["Population", "told_of"]
