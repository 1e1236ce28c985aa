"""Nodes and sites that are lost, one by one, until nobody serves: one joint chain.

A state is the primary, which nodes are up (those of a lost site will be), the lost
sites, and how the last primary was lost where nobody serves: "node" or "site".
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class FirstBack:
    """Failovers take no time; one that does not work spoils its candidate."""

    sites: tuple[str, ...]  # of each node
    crews: int
    works: float
    fail: float  # rates in 1/s
    mend: float
    gone: float
    back: float

    @property
    def start(self):
        return (0, (True,) * len(self.sites), frozenset(), "")

    def follows(self, state):
        """Yield (state, rate)."""
        yield from self.mended(state)
        yield from self.regained(state)
        if not state[3]:
            yield from self.failed(state)
            yield from self.darkened(state)

    def ready(self, up, dark):
        return [i for i, on in enumerate(up) if on and self.sites[i] not in dark]

    def at(self, site):
        return {i for i, one in enumerate(self.sites) if one == site}

    def failed(self, state):
        primary, up, dark, _ = state
        for i in self.ready(up, dark):
            then = (*up[:i], False, *up[i + 1 :])
            yield from self.without(
                state, (then, dark), i == primary, "node", self.fail
            )

    def darkened(self, state):
        primary, up, dark, _ = state
        for site in set(self.sites) - dark:
            then = self.whole(up, site), dark | {site}
            home = self.sites[primary] == site
            yield from self.without(state, then, home, "site", self.gone)

    def whole(self, up, site):
        return tuple(on or i in self.at(site) for i, on in enumerate(up))

    def without(self, state, then, leads, how, rate):
        """Yield who serves once something is lost, perhaps with the primary."""
        primary, (up, dark) = state[0], then
        left = self.ready(up, dark)
        left = [i for i in left if self.sites[i] == self.sites[primary]] or left
        if not leads or not left:
            yield (primary, up, dark, how if leads else ""), rate
            return
        for i in left:
            spoilt = (*up[:i], False, *up[i + 1 :])
            yield (i, up, dark, ""), rate * self.works / len(left)
            yield (primary, spoilt, dark, how), rate * (1 - self.works) / len(left)

    def mended(self, state):
        primary, up, dark, how = state
        down = [i for i, on in enumerate(up) if not on and self.sites[i] not in dark]
        if how == "node" and len(down) > self.crews and primary in down:
            down.remove(primary)  # the last primary comes last
        for i in down:
            then = (*up[:i], True, *up[i + 1 :])
            rate = self.mend * min(1, self.crews / len(down))
            yield from self.served(state, then, dark, {i}, rate)

    def regained(self, state):
        _, up, dark, _ = state
        for site in dark:
            then, fresh = self.whole(up, site), self.at(site)
            yield from self.served(state, then, dark - {site}, fresh, self.back)

    def served(self, state, up, dark, fresh, rate):
        """Yield who serves: of a site the last primary before its equals."""
        primary, how = state[0], state[3]
        left = self.ready(up, dark) if how else [primary]
        for i in left:
            its = {primary, i} <= fresh
            yield (primary if its else i, up, dark, ""), rate / len(left)
