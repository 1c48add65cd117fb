"""Acts of identity, altered anywhere and signed again: each is admitted or refused by a code, and never a crash.

Every act of a play is altered in the state in which it would be judged, by what its own signer could have sent.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from functools import cache
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from identity import disclosure, jws
from identity.did import multibase_of
from identity.errors import Problem
from identity.keys import SigningKey
from ledger.statement import receive
from ledger.world import World
from tests.cast import CAST, DAY, Play, Played, charter, money
from tests.identity.credential.test_hostile import altered, places
from tests.logs import HOST, Log, key_called

ANYTHING: list[Any] = [..., None, True, 0, -1, 1, 2**53 - 1, "", "x", "é", "A" * 43, "0", "did:key:z", "z6Mk", "*"]
ANYTHING += [[], [None], [[]], {}, {"id": 1}, {"_sd": ["A" * 43]}, {"_sd": []}, {"amount": 1, "currency": "CNY"}]
ALTERED_MOST = ("body", "body", "body", "sub", "via", "prev", "iss", "exp")


@dataclass(frozen=True)
class Judged:
    """A statement that was admitted, who signed it, and the world in which it was judged."""

    sent: bytes
    key: SigningKey
    world: World
    time: int


KEYS = [*(actor.key for actor in CAST.values()), key_called("works")]
KEY_OF = {multibase_of(key.public): key for key in KEYS}
JUDGED: list[Judged] = []


class Watched(Play):
    """A play that remembers the world before each act."""

    def admit(self, sent: bytes) -> Played:
        time = self.seconds * 1_000_000 + len(self.entries)
        key = KEY_OF[jws.parse(disclosure.split(sent)[0]).kid.partition("#")[2]]
        if self.entries:
            JUDGED.append(Judged(sent, key, copy.deepcopy(self.world), time))
        return super().admit(sent)


@cache
def acts() -> list[Judged]:
    """Joining, with a log and without, private values, a delegation and its end, trustees, and a whole recovery."""
    play = Watched(charter(didHost=HOST))
    play.join("factory", "partner", "second")
    draft = Log.begin("works", play.seconds)
    body = {"name": "Works", **play.stated(draft)}
    play.act("party.joined", by="third", body=body, log=draft, key="works")
    asset = play.register("factory")
    play.offer("factory", asset, price=money(5, "EUR"), private=["price"], to=[play.party("partner")])
    leaf = play.delegate("factory", "machine", kinds=["asset.*"], subjects=[asset], depth=1)
    play.act("delegation.revoked", by="factory", sub=leaf, body={"reason": "retired"})
    play.arrange("factory", "partner", "second", wait=7 * DAY)
    play.tick(days=8)
    play.recover("factory", "spare", "partner", "second")
    return JUDGED


@settings(max_examples=500)
@given(st.data())
def test_an_act_that_is_altered_and_signed_again_is_judged(data: st.DataObject) -> None:
    act = data.draw(st.sampled_from(acts()))
    compact, disclosures = disclosure.split(act.sent)
    signed = jws.parse(compact)
    member = data.draw(st.sampled_from([one for one in ALTERED_MOST if one in signed.claims]))
    way = data.draw(st.sampled_from([one for one in places(signed.claims) if one[0] == member]))
    claims = altered(signed.claims, way, data.draw(st.sampled_from(ANYTHING)))
    world = copy.deepcopy(act.world)
    try:
        sent = disclosure.join(jws.sign(claims, act.key, kid=signed.kid), disclosures)
        change = world.admit(receive(sent), act.time)
    except Problem as problem:
        str(problem).encode()
        return
    assert all(after.state.encode() for _, after in change.changed)
