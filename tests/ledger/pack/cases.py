"""One table, two judges: what a pack can be made of, the word it must be given, and the entry to be named.

Every case is a pack of entry 19 of the story, in which a data set is registered, licensed, revised and passed on, or of
the plays of keys that change (``turned``, ``crowded``). The story:

     0 ledger.opened     3 party.joined        9 agreement.requested (ES256)    22 24 26 transfer.proposed
     1 party.joined      4 party.joined  sd   10 agreement.agreed               27 transfer.accepted
     2 party.joined      5 asset.registered   12 agreement.finalized            30 ledger.amended
                         7 offer.opened       19 asset.revised, the entry       31 ledger.amended: another log key
                                              20 agreement.requested
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from typing import Any, NamedTuple

import orjson

from identity import disclosure, jws
from identity.canonical import b64decode, encode
from identity.canonical import b64encode as b64url
from identity.did import base58_encode
from identity.note import Note, Signature, Signer, format_note, format_vkey, parse_note
from identity.signature import key_id, timed
from ledger.circulation.delegation import Delegation
from ledger.log.chain import Entry, format_entry, parse_entry
from ledger.log.cosignature import Cosigner
from ledger.pack.data import PIECES_MAX, Pack, Piece, format_data, spell
from ledger.pack.evidence import ScanEvidence
from ledger.pack.gather import gather
from tests.cast import CAST, DAY, LOG, NOBODY, ORIGIN, Play, charter, seed
from tests.ledger.pack.pressed import (
    POLICY,
    QUANTUM,
    SECOND_LOG,
    WITNESSES,
    Listed,
    checkpoint,
    cosigned,
    entries,
    honest,
    pressed,
    rewritten,
    story,
)
from tests.ledger.pack.spellings import odd
from tests.ledger.pack.turned import crowded, turned
from tests.logs import Log

ABOUT = 19
PLACES = {index: place for place, index in enumerate((0, 1, 2, 3, 4, 5, 7, 9, 10, 12, 19, 20, 22, 24, 26, 27, 30, 31))}


class Case(NamedTuple):
    """``data`` under ``policy`` must come to ``word``, and name the entry ``index``, None for none."""

    name: str
    word: str
    index: int | None
    data: bytes
    policy: str | None = None


@cache
def cases() -> dict[str, Case]:
    """All cases, by name."""
    groups = (
        whole,
        touched,
        cut,
        noted,
        usurped,
        witnessed,
        private,
        formed,
        forged,
        misspelt,
        spoken,
        unspoken,
        taken,
    )
    found = [case for group in groups for case in group()]
    by_name = {case.name: case for case in found}
    assert len(by_name) == len(found)
    return by_name


def pack() -> Pack:
    return honest(ABOUT)


def of(name: str, word: str, index: int | None, made: Pack, policy: str | None = None) -> Case:
    return Case(name, word, index, format_data(made), policy)


def with_piece(index: int, change: Callable[[Piece], Piece]) -> Pack:
    pieces = list(pack().pieces)
    pieces[PLACES[index]] = change(pieces[PLACES[index]])
    return replace(pack(), pieces=tuple(pieces))


def with_entry(index: int, change: Callable[[Entry], Entry]) -> Pack:
    return with_piece(index, lambda piece: replace(piece, entry=format_entry(change(parse_entry(piece.entry)))))


def without(*indexes: int, **more: Any) -> Pack:
    pieces = tuple(piece for piece in pack().pieces if parse_entry(piece.entry).index not in indexes)
    return replace(pack(), pieces=pieces, **more)


def flipped(text: bytes, at: int) -> bytes:
    """Another letter of base64 at this place."""
    return text[:at] + (b"A" if text[at : at + 1] != b"A" else b"B") + text[at + 1 :]


# ---- As it should be ---------------------------------------------------------------------------------------


def whole() -> Iterator[Case]:
    yield of("honest", "consistent", ABOUT, pack())
    yield of("honest, its policy met", "witnessed", ABOUT, replace(pack(), policy=POLICY))
    yield of("honest, the reader's policy met", "witnessed", ABOUT, pack(), POLICY)
    for index in (0, 4, 5, 9, 27, 31):
        yield of(f"the pack of entry {index}", "witnessed", index, replace(honest(index), policy=POLICY))
    bare = replace(pack(), subjects=(), pieces=tuple(pack().pieces[PLACES[at]] for at in (0, 1, 19, 30, 31)))
    yield of("without history", "consistent", ABOUT, bare)
    known = checkpoint(entries()[:20], LOG)
    yield of("beside an older checkpoint", "consistent", ABOUT, replace(pack(), known=(known, pack().checkpoint)))


# ---- Each entry touched ------------------------------------------------------------------------------------


def touched() -> Iterator[Case]:
    for index in PLACES:
        signature = with_entry(index, lambda entry: replace(entry, statement=flipped(entry.statement, -10)))
        yield of(f"the signature of entry {index} altered", "corrupt", index, signature)
        yield of(f"entry {index} dated otherwise", "corrupt", index, with_entry(index, later))
        yield of(f"the proof of entry {index} altered", "corrupt", index, with_piece(index, prove_other))
    yield of("a proof too short", "corrupt", 5, with_piece(5, lambda one: replace(one, proof=one.proof[:-1])))
    yield of("a proof too long", "corrupt", 5, with_piece(5, lambda one: replace(one, proof=(*one.proof, bytes(32)))))
    yield of("a title altered", "corrupt", 5, with_entry(5, lambda entry: restated(entry, title="Another title")))
    yield of("a link altered", "corrupt", 10, with_entry(10, lambda entry: replace(entry, link=bytes(32))))
    yield of("an index altered", "corrupt", 6, with_entry(5, lambda entry: replace(entry, index=6)))
    yield of("of another origin", "corrupt", 5, with_entry(5, lambda entry: replace(entry, origin="other.example/l")))
    yield of("a line too many", "corrupt", 6, with_piece(7, lambda one: replace(one, entry=one.entry + b"\n")))
    spaced = with_piece(7, lambda one: replace(one, entry=one.entry.replace(b"\n7\n", b"\n07\n")))
    yield of("a number in another spelling", "corrupt", 6, spaced)


def later(entry: Entry) -> Entry:
    return replace(entry, time=entry.time + 1)


def prove_other(piece: Piece) -> Piece:
    return replace(piece, proof=(bytes(32), *piece.proof[1:]))


def restated(entry: Entry, **changes: Any) -> Entry:
    """Another body in a statement whose signature stays."""
    header, payload, signature = entry.statement.split(b".")
    claims = orjson.loads(b64decode(payload))
    claims["body"] |= changes
    return replace(entry, statement=b".".join([header, b64url(encode(claims)).encode(), signature]))


# ---- Entries left out, doubled, moved ----------------------------------------------------------------------


def cut() -> Iterator[Case]:
    yield of("no entries", "corrupt", ABOUT, replace(pack(), pieces=()))
    yield of("without the charter", "corrupt", 1, without(0))
    yield of("without an amendment", "corrupt", 31, without(30))
    yield of("without the last amendment", "corrupt", None, without(31, checkpoint=checkpoint(entries())))
    yield of("without the last amendment, while both keys sign", "consistent", ABOUT, without(31))
    yield of("without the last act on its subject, which nothing here shows", "consistent", ABOUT, without(27))
    yield of("without the entry", "corrupt", ABOUT, without(ABOUT))
    yield of("without a signer's joining", "corrupt", 5, without(1))
    yield of("without the joining of one who acts later", "corrupt", 9, without(2))
    yield of("without the act that opened it", "corrupt", 19, without(5))
    yield of("about an entry that is not in it", "corrupt", 6, replace(pack(), index=6))
    yield of("about a subject of another entry", "corrupt", 22, replace(pack(), index=22))
    asset = pack().subjects[0].replace("asset", "offer")
    yield of("about a subject of another type", "corrupt", ABOUT, replace(pack(), subjects=(asset,)))
    yield of("about a subject that nobody opened", "corrupt", ABOUT, replace(pack(), subjects=(*pack().subjects, "x")))
    lacks = tuple(one for one in honest(27).pieces if parse_entry(one.entry).index != 19)
    yield of("without an act in between", "corrupt", 26, replace(honest(27), pieces=lacks))
    pieces = list(pack().pieces)
    doubled = (*pieces[:6], pieces[5], *pieces[6:])
    yield of("an entry twice", "corrupt", 5, replace(pack(), pieces=doubled))
    pieces[5], pieces[6] = pieces[6], pieces[5]
    yield of("two entries in another order", "corrupt", 5, replace(pack(), pieces=tuple(pieces)))


# ---- Checkpoints -------------------------------------------------------------------------------------------


def noted() -> Iterator[Case]:
    note = parse_note(pack().checkpoint)
    own = [line for line in note.signatures if line.key_id == SECOND_LOG.verifier.key_id]

    def noting(name: str, word: str, index: int | None, data: bytes) -> Case:
        return of(name, word, index, replace(pack(), checkpoint=data))

    yield noting("no checkpoint", "corrupt", None, b"")
    yield noting(
        "of another origin than its checkpoint", "corrupt", None, pack().checkpoint.replace(b"cast.", b"kast.")
    )
    yield noting("another size signed", "corrupt", 0, checkpoint(entries()[:31]))
    yield noting("another root", "corrupt", 0, format_note(Note(another_root(note.text), note.signatures)))
    stranger = Signer(ORIGIN, seed("stranger's log"))
    yield noting("signed by a stranger", "corrupt", None, checkpoint(entries(), stranger))
    yield noting("signed by the key that was replaced", "corrupt", None, checkpoint(entries(), LOG))
    yield noting("signed by both keys", "consistent", ABOUT, checkpoint(entries(), LOG, SECOND_LOG))
    spoilt = [replace(line, signature=bytes(64)) for line in own]
    yield noting("the log's signature altered", "corrupt", None, format_note(Note(note.text, tuple(spoilt))))
    twice = (*own, *spoilt)
    yield noting("one good line of the log and one bad", "corrupt", None, format_note(Note(note.text, twice)))
    yield noting("not the last line's end", "corrupt", None, pack().checkpoint[:-1])
    other = format_note(replace(parse_note(checkpoint([*entries()[:31], b"another"]))))
    yield of("beside another root of this size", "diverged", None, replace(pack(), known=(other,)))
    yield of("the same, its key believed", "diverged", None, replace(pack(), known=(other,)), POLICY)
    former = replace(pack(), known=(checkpoint([*entries()[:31], b"another"], LOG),))
    yield of("beside another root, signed by the key that was replaced", "corrupt", None, former)
    yield of("the same, the key in force believed", "corrupt", None, former, POLICY)
    unsigned = checkpoint([*entries()[:31], b"another"], stranger)
    yield of("beside a checkpoint of somebody else", "corrupt", None, replace(pack(), known=(unsigned,)))


USURPER = Signer(ORIGIN, seed("usurper"))


@cache
def usurpation() -> list[bytes]:
    """A ledger of the same name, whose own governance has named the log's true key, then replaced it by another."""
    owner = CAST["second"]
    play = Play(charter(governance=owner.did), {**CAST, "governance": owner})
    play.act("ledger.amended", by="governance", sub=play.world.ledger, body={"logKey": format_vkey(USURPER.verifier)})
    play.join("factory")
    return [played.entry for played in play.entries]


def usurped() -> Iterator[Case]:
    """Whoever names a key has not signed by it: such a pack is not the true log's, nor accuses it."""
    log = usurpation()
    forged = gather(ScanEvidence(Listed(log, checkpoint(log, USURPER))), 2)
    beside = replace(forged, known=(checkpoint(entries()[: len(log)], LOG),))
    true, own = (f"log {format_vkey(one.verifier)}\nquorum none\n" for one in (LOG, USURPER))
    yield of("a ledger that names another's key", "consistent", 2, forged)
    yield of("the same, that key believed", "corrupt", None, forged, true)
    yield of("the same beside that log's checkpoint", "corrupt", None, beside)
    yield of("the same beside that log's checkpoint, that key believed", "corrupt", None, beside, true)
    yield of("the same beside that log's checkpoint, its own key believed", "corrupt", None, beside, own)


def another_root(text: bytes) -> bytes:
    origin, size, _, end = text.split(b"\n")
    return b"\n".join([origin, size, b64encode(bytes(32)), end])


# ---- Witnesses and policies --------------------------------------------------------------------------------


def witnessed() -> Iterator[Case]:
    plain = checkpoint(entries())
    now = story().seconds + 5

    def seen(name: str, word: str, index: int | None, time: int, *cosigners: Cosigner) -> Case:
        return of(name, word, index, replace(pack(), checkpoint=cosigned(plain, time, *cosigners)), POLICY)

    works, _ = WITNESSES.values()
    yield of("seen by nobody", "consistent", ABOUT, replace(pack(), checkpoint=plain), POLICY)
    yield seen("seen by one of two", "consistent", ABOUT, now, works)
    yield seen("seen by one of two and a stranger", "consistent", ABOUT, now, works, Cosigner(works.name, 4, bytes(32)))
    yield seen("seen long after", "witnessed", ABOUT, now + 400 * DAY)
    yield seen("seen as its writer's clock leapt", "witnessed", ABOUT, now - 60)
    yield seen("seen before it was entered", "corrupt", 19, now - DAY - 3_600)
    yield seen("seen at no time", "corrupt", None, 0)
    note = parse_note(cosigned(plain, now))
    lies = Signature(works.name, works.verifier.key_id, timed(now + 1, note.signatures[-2].signature[8:]))
    wrong = format_note(Note(note.text, (*note.signatures, lies)))
    yield of("a cosignature under another time", "corrupt", None, replace(pack(), checkpoint=wrong), POLICY)
    yield of("the same, when nobody asks", "consistent", ABOUT, replace(pack(), checkpoint=wrong))
    for name, policy in bad_policies():
        yield of(f"a policy with {name}", "corrupt", None, replace(pack(), policy=policy))
    nested = POLICY.replace("quorum outsiders", "group all all outsiders\nquorum all")
    yield of("a group of groups", "witnessed", ABOUT, pack(), nested)
    yield of("one witness asked for", "witnessed", ABOUT, pack(), asking("works"))
    yield of("another witness asked for", "consistent", ABOUT, pack(), asking("insurer"))
    yield of("the key that was replaced believed, while both keys sign", "witnessed", ABOUT, pack(), believing(LOG))
    alone = replace(pack(), checkpoint=cosigned(plain, now))
    yield of("the key that was replaced believed", "corrupt", None, alone, believing(LOG))
    yield of("another key believed", "corrupt", None, pack(), believing(Signer(ORIGIN, seed("other"))))
    yield of("another log believed", "witnessed", ABOUT, pack(), believing(Signer("other.example/log", seed("other"))))


def asking(name: str) -> str:
    return POLICY.replace("quorum outsiders", f"quorum {name}")


def believing(log: Signer) -> str:
    return f"log {format_vkey(log.verifier)}\n{POLICY.partition(chr(10))[2]}"


def bad_policies() -> Iterator[tuple[str, str]]:
    vkey = format_vkey(QUANTUM.verifier)
    yield "no quorum", ""
    yield "two quorums", POLICY + "quorum none\n"
    yield "an unknown quorum", POLICY.replace("quorum outsiders", "quorum insiders")
    yield "an unknown line", POLICY + "trust everybody\n"
    yield "a witness twice", POLICY + f"witness again {vkey}\n"
    yield "a name twice", POLICY.replace("witness customs", "witness works")
    yield "a member twice", POLICY.replace("2 works customs", "2 works works")
    yield "a group that asks for too many", POLICY.replace("outsiders 2", "outsiders 4")
    yield "a key of another id", POLICY.replace(vkey.split("+")[1], "00000000")
    neutral = bytes([1]) + bytes(31)
    named = f"w+{key_id('w', 4, neutral).hex()}+{b64encode(bytes([4]) + neutral).decode()}"
    yield "a witness's key that is none", f"witness w {named}\nquorum none\n"
    yield "a log's key for a witness", f"witness log {format_vkey(LOG.verifier)}\nquorum none\n"
    yield "a witness's key for a log", f"log {format_vkey(WITNESSES['works'].verifier)}\nquorum none\n"


# ---- Private values ----------------------------------------------------------------------------------------


def private() -> Iterator[Case]:
    shown = pack().pieces[PLACES[4]].disclosures

    def showing(name: str, word: str, index: int, *disclosures: str, at: int = 4) -> Case:
        return of(name, word, index, with_piece(at, lambda piece: replace(piece, disclosures=disclosures)))

    salt, _, value = orjson.loads(b64decode(shown[0]))
    yield showing("nothing disclosed", "consistent", ABOUT)
    yield showing("one value of two disclosed", "consistent", ABOUT, shown[1])
    yield showing("a value altered", "corrupt", 4, spelt([salt, "value", f"{value}!"]), shown[1])
    yield showing("a value twice", "corrupt", 4, shown[0], shown[0])
    yield showing("a value where nothing is private", "corrupt", 5, shown[0], at=5)
    yield showing("letters that are no disclosure", "corrupt", 4, "no disclosure")


def spelt(value: Any) -> str:
    return b64url(encode(value))


# ---- The form of the data ----------------------------------------------------------------------------------


def formed() -> Iterator[Case]:
    members = orjson.loads(format_data(pack()))

    def forming(name: str, word: str, data: bytes) -> Case:
        return Case(name, word, None, data)

    def changing(name: str, word: str, **changes: Any) -> Case:
        return forming(name, word, spell({**members, **changes}))

    yield changing("a later version", "newer", format="cadastre/pack@v2")
    yield changing("a later version in which all is different", "newer", format="cadastre/pack@v3", entries=7)
    yield changing("a member of a later version", "newer", state={"root": "…"})
    yield changing("an earlier version, which there is none of", "corrupt", format="cadastre/pack@v0")
    renamed = {("knows" if name == "known" else name): members[name] for name in members}
    yield forming("a member by another name", "corrupt", spell(renamed))
    yield changing("another format", "corrupt", format="cadastre/sack@v1")
    yield changing("a format that is no text", "corrupt", format=1)
    yield changing("an index below zero", "corrupt", index=-1)
    yield changing("an index that is no number", "corrupt", index="19")
    yield changing("a policy that is no text", "corrupt", policy=7)
    yield changing("entries that are no list", "corrupt", entries={})
    yield changing("too many checkpoints", "corrupt", known=[members["checkpoint"]] * 17)
    yield changing("an entry of another form", "corrupt", entries=[members["entries"][0] | {"more": 1}])
    yield changing("a hash of another length", "corrupt", entries=[members["entries"][0] | {"proof": ["AAAA"]}])
    yield forming("a member missing", "corrupt", spell({name: members[name] for name in members if name != "known"}))
    letters = members["entries"][0]["proof"]
    bits = [letters[0][:-2] + chr(ord(letters[0][-2]) + 1) + "=", *letters[1:]]
    yield changing("a hash in another spelling", "corrupt", entries=[members["entries"][0] | {"proof": bits}])
    data = format_data(pack())
    yield forming("nothing", "corrupt", b"")
    yield forming("no object", "corrupt", b"[]")
    yield forming("a space", "corrupt", data.replace(b'"index":', b'"index": '))
    yield forming("a member twice", "corrupt", data.replace(b'"index":', b'"index":19,"index":'))
    yield forming("a number with a point", "corrupt", data.replace(b'"index":19', b'"index":19.0'))
    yield forming("its end cut off", "corrupt", data[:-1])


# ---- Logs that lie -----------------------------------------------------------------------------------------


def forged() -> Iterator[Case]:
    """A log that signs whatever it likes: what no tree and no checkpoint shows, the statements do."""

    sign = story().sign

    def lying(name: str, word: str, at: int, statement: bytes) -> Case:
        return of(name, word, at, pressed(pack(), replaced(at, statement)))

    def revised(name: str, *, prev: str = "", **claims: Any) -> Case:
        subject = pack().subjects[0]
        pins = {subject: prev or story().entries[5].id}
        body = story().entries[ABOUT].statement.claims.body
        act = sign("asset.revised", by="factory", sub=subject, body=body, prev=pins, **claims)
        return lying(name, "corrupt", ABOUT, act)

    def amended(name: str, word: str, by: str, body: dict[str, Any]) -> Case:
        ledger = story().world.ledger
        pins = {ledger: story().entries[30].id}
        return lying(name, word, 31, sign("ledger.amended", by=by, sub=ledger, body=body, prev=pins))

    yield revised("an act in another's name", key="second")
    yield revised("an act for another ledger", aud="other.example/ledger#x")
    yield revised("an act that pins nothing here", prev=NOBODY)
    yield revised("an act that saw another history", seen=f"5:{'A' * 43}")
    yield revised("a claim of another form", jti=7)
    melted = sign("asset.melted", by="factory", sub=pack().subjects[0], prev={}, body={})
    yield lying("an act of no kind", "corrupt", ABOUT, melted)
    yield amended("an amendment by a party", "corrupt", "factory", {"joiners": "listed"})
    yield amended("a key of the log by a party", "corrupt", "factory", {"logKey": format_vkey(SECOND_LOG.verifier)})
    yield amended("rules of a later version", "newer", "governance", {"rules": 99})
    yield amended("rules and fields of a later version", "newer", "governance", {"rules": 99, "tax": 7})
    yield amended("rules of a later version by a party", "corrupt", "factory", {"rules": 99})
    charter = story().entries[0].statement.claims.body
    again = sign("ledger.opened", by="governance", body=charter, aud=ORIGIN)
    yield lying("a charter in the middle", "corrupt", 31, again)
    yield lying("a statement twice", "corrupt", 24, parse_entry(entries()[22]).statement)
    neutral = small_order(parse_entry(entries()[ABOUT]).statement)
    yield lying("under a key that fits every message", "corrupt", ABOUT, neutral)
    days = 40 * DAY * 1_000_000
    back = rewritten(entries(), lambda entry: replace(entry, time=entry.time - days * (entry.index > ABOUT)))
    yield of("time that runs backwards", "corrupt", 20, pressed(pack(), back))
    high = pressed(pack(), replaced(9, mirrored(parse_entry(entries()[9]).statement)))
    yield of("the other of two signatures of ES256", "consistent", ABOUT, high)


def misspelt() -> Iterator[Case]:
    """The same log, and entry 20 in a spelling that no door lets through."""

    def at_20(name: str, statement: bytes, *disclosures: str) -> Case:
        made = pressed(pack(), replaced(20, statement))
        pieces = list(made.pieces)
        pieces[PLACES[20]] = replace(pieces[PLACES[20]], disclosures=disclosures)
        return of(name, "corrupt", 20, replace(made, pieces=tuple(pieces)))

    claims = jws.parse(parse_entry(entries()[20]).statement).claims
    for name, statement in odd(claims):
        yield at_20(name, statement)
    for name, body, disclosures in odd_disclosures():
        yield at_20(name, jws.sign(claims | {"body": body}, CAST["lender"].key), *disclosures)
    strange = story().entries[1].id
    offer = story().entries[7].subject
    pins = story().sign("agreement.requested", by="lender", body=claims["body"], prev={offer: strange})
    astray = replace(honest(20), subjects=(offer,))
    yield of("a pin on an act of another subject", "corrupt", 20, pressed(astray, replaced(20, pins)))
    unlinked = entries()
    unlinked[20] = format_entry(replace(parse_entry(unlinked[20]), link=bytes(32)))
    yield of("a link to nothing", "corrupt", 20, pressed(pack(), unlinked))
    foreign = rewritten(entries(), lambda entry: replace(entry, origin="x.example/l") if entry.index == 20 else entry)
    yield of("an entry of another ledger", "corrupt", 20, pressed(pack(), foreign))
    opens = story().sign("ledger.opened", by="governance", body=story().entries[0].statement.claims.body)
    yield of("a second charter for this ledger", "corrupt", 31, pressed(pack(), replaced(31, opens)))
    no_charter = story().sign("party.joined", by="factory", body={"name": "x"}, aud=ORIGIN)
    yield of("another act than a charter first", "corrupt", 0, pressed(pack(), replaced(0, no_charter)))


# ---- Keys that change, and others who act ------------------------------------------------------------------


def spoken() -> Iterator[Case]:
    """Each act comes with what lets its key speak."""
    told = turned()
    for name, index in told.at.items():
        yield of(f"turned, {name}", "consistent", index, told.pack(name))

    def lacking(name: str, at: str, *left_out: str) -> Case:
        return of(f"{name}, without {' and '.join(left_out)}", "corrupt", told.at[at], told.pack(name, *left_out))

    yield lacking("by the key after it", "the rotation", "the joining")
    yield lacking("by the key after it", "by the key after it", "the rotation")
    yield lacking("the joining", "the rotation to P-256", "the rotation")
    yield lacking("by a key of P-256", "by a key of P-256", "the rotation to P-256")
    yield lacking("after the move", "after the move", "the move")
    yield lacking("after the succession", "after the succession", "the succession")
    yield lacking("after the recovery", "the recovery", "the opening")
    yield lacking("after the recovery", "after the recovery", "the recovery")
    yield lacking("by a machine", "by a machine", "the delegation")
    for left_out, at in (
        ("the delegation", "the delegation given on"),
        ("the delegation given on", "the delegation given on again"),
        ("the delegation given on again", "by a party at the end of a chain"),
    ):
        yield lacking("by a party at the end of a chain", at, left_out)
    pieces = tuple(
        piece for piece in told.pack("by a party at the end of a chain").pieces if not joins(piece, "partner")
    )
    alone = replace(told.pack("by a party at the end of a chain"), pieces=pieces)
    yield of("by a did:key whose joining is left out", "consistent", alone.index, alone)
    many = crowded()
    for room in (6, 7, 12, PIECES_MAX):
        made = many.pack("by a party", room=room)
        yield of(f"by a party, with room for {room}", "consistent", made.index, made)
    recovered = many.pack("after the recovery of the crowded")
    yield of("after the recovery of the crowded", "consistent", recovered.index, recovered)
    gapped = many.pack("after the recovery of the crowded", "the second line more")
    yield of("the same with a line left out", "corrupt", many.at["the alarm"], gapped)


def joins(piece: Piece, name: str) -> bool:
    claims = jws.parse(parse_entry(piece.entry).statement).claims
    return bool(claims["kind"] == "party.joined" and claims["iss"] == CAST[name].did)


def unspoken() -> Iterator[Case]:
    """A log that admits acts of those whose acts they are not."""
    told = turned()
    body = told.play.entries[told.at["by the key after it"]].statement.claims.body

    def posing(name: str, at: str, about: str = "", **given: Any) -> Case:
        made = told.forged(at, "asset.registered", about=about, body=body, **given)
        return of(name, "corrupt", told.at[at], made)

    def logged(at: str, name: str = "works") -> Log:
        return told.logs[at][name]

    after = "by the key after it"
    fitting = told.forged(after, "asset.registered", body=body, by="works", log=logged(after), key="works-2")
    yield of("by the key that spoke then", "consistent", told.at[after], fitting)
    yield posing("by a key that ended", after, by="works", log=logged(after), key="works")
    yield posing("by a key that nobody knows", after, by="works", log=logged(after), key="thief")
    yield posing("by a key that comes later", after, by="works", log=logged(after), key="works-3")
    moved = logged("by the key after it")
    yield posing("as the DID that moved on", "after the move", by="works", log=moved, key="works-3")
    yield posing(
        "by a key that was compromised", "after the move", by="works", log=logged("after the move"), key="works-2"
    )
    yield posing("by the DID that was succeeded", "after the succession", by="mill of old")
    yield posing(
        "by the DID before the recovery", "after the recovery", by="mill", log=logged("the succession", "mill")
    )
    first, third = told.delegations["first"], told.delegations["third"]
    works, chain = moved.did, "by a party at the end of a chain"
    yield posing("by another than the delegate", "by a machine", by="thief", via=first, iss=works)
    yield posing("by a delegate as if for itself", chain, by="partner", via=third, iss=CAST["partner"].did)
    yield posing("by the delegate for nobody", "by a machine", by="machine", via=first, iss=CAST["thief"].did)
    yield posing(
        "under a delegation by other letters", "by a machine", by="machine", via=like(told.play, first), iss=works
    )
    yield posing("under a delegation that comes later", "by a machine", by="partner", via=third, iss=works)
    yield posing(
        "below a delegation that was revoked", "the rotation to P-256", chain, by="partner", via=third, iss=works
    )
    yield posing("under no id", "by a machine", by="machine", via="delegation", iss=works)


def like(play: Play, delegation: str) -> str:
    """Another statement id, by which a delegation would have the same name."""
    return b64url(b64decode(play.state(Delegation, delegation).act)[:16] + bytes(16))


def taken() -> Iterator[Case]:
    """A log that admits acts by which somebody takes what is not theirs."""
    told = turned()
    play, before, party = told.play, told.logs["the joining"], told.play.party

    def taking(name: str, at: str, kind: str, about: str = "", **given: Any) -> Case:
        return of(name, "corrupt", told.at[at], told.forged(at, kind, about=about, **given))

    def rotating(name: str, lines: list[dict[str, Any]], by: str = "works", key: str = "works-2") -> Case:
        given: dict[str, Any] = {"by": by, "log": before[by], "key": key, "sub": party("works"), "body": {"log": lines}}
        return taking(name, "the rotation", "party.rotated", "by the key after it", **given)

    chain = "by a party at the end of a chain"
    ahead = before["works"].next(play.seconds, keys=["works-2"])
    line = ahead.since(before["works"])[0]
    other = before["lender"].next(play.seconds)
    given: dict[str, Any] = {"by": "partner", "sub": party("works"), "body": {"log": [line]}}
    yield taking("another party's rotation", "the rotation", "party.rotated", chain, **given)
    yield rotating("a rotation that states another's log", other.since(before["lender"]), key="works")
    there = told.logs["after the move"]["works"]
    given = {"by": "works", "log": before["works"], "key": "works-3", "sub": party("works")}
    given["body"] = {"log": there.next(play.seconds).since(there)}
    yield taking("a rotation as the DID that moved on", "the move back", "party.rotated", "after the move", **given)
    yield rotating("a rotation by a key that it does not name", [line], key="thief")
    yield rotating("a rotation with a line left out", ahead.next(play.seconds).since(ahead))
    yield rotating("a rotation by a line of no number", [line | {"versionId": 2}])
    yield rotating("a rotation without a document", [line | {"state": []}])
    yield rotating("a rotation of no DID", [line | {"state": line["state"] | {"id": 7}}])
    odd_methods = [None, {"type": "Multikey", "id": 7, "publicKeyMultibase": 7}]
    document = line["state"] | {"verificationMethod": odd_methods, "assertionMethod": [7, odd_methods[1]]}
    yield rotating("a rotation to nothing that is a key", [line | {"state": document}])
    yield rotating("a rotation to keys that are no list", [line | {"state": line["state"] | {"assertionMethod": {}}}])
    log = Log.begin("stranger", play.seconds)
    body = {"name": "x", "log": log.since(None)}
    yield taking(
        "a joining by a key that its log does not name",
        "the joining",
        "party.joined",
        by="works",
        log=log,
        key="thief",
        body=body,
    )
    yield taking(
        "a joining with another's log", "the joining", "party.joined", by="works", log=before["works"], body=body
    )
    yield taking("a joining of one who joined", chain, "party.joined", by="partner", body={"name": "x"})
    turned_to = {"did": CAST["thief"].did, **play.consent(party("mill"), CAST["thief"].did, "thief")}
    first, works = told.delegations["first"], before["works"].did
    yield taking(
        "a succession of another party",
        "the succession",
        "party.succeeded",
        by="partner",
        sub=party("mill"),
        body=turned_to,
    )
    yield taking(
        "a succession under a delegation",
        "by a machine",
        "party.succeeded",
        by="machine",
        via=first,
        iss=works,
        sub=party("works"),
        body=turned_to,
    )
    to_another = turned_to | {"did": CAST["partner"].did}
    mill: dict[str, Any] = {"by": "mill of old", "sub": party("mill"), "body": to_another}
    yield taking("a succession to another party's DID", "the succession", "party.succeeded", **mill)
    recovery = play.entries[told.at["the recovery"]].statement.claims.sub
    yield taking(
        "a recovery for another",
        "the recovery",
        "recovery.completed",
        by="thief",
        sub=recovery,
        body={"party": party("mill")},
    )
    yield taking(
        "a recovery of another party",
        "the recovery",
        "recovery.completed",
        by="spare",
        sub=recovery,
        body={"party": party("partner")},
    )
    second = told.delegations["second"]
    yield taking(
        "a revocation by another party",
        "the revocation",
        "delegation.revoked",
        chain,
        by="partner",
        sub=second,
        body={},
    )


def odd_disclosures() -> Iterator[tuple[str, dict[str, Any], list[str]]]:
    """Private fields, and what is shown of them, as they must not be."""
    salt = "A" * 22
    named = {
        "a salt too short": ["AAAA", "value", 1],
        "a disclosure by another name": [salt, "price", 1],
        "a disclosure of four": [salt, "value", 1, 2],
        "a private value within a private one": [salt, "value", [{"_sd": []}]],
    }
    for name, value in named.items():
        yield name, {"price": {"_sd": [disclosure.digest(spelt(value))]}}, [spelt(value)]
    good = spelt([salt, "value", 1])
    digest = disclosure.digest(good)
    yield "two digests for one value", {"price": {"_sd": [digest, digest]}}, [good]
    yield "more beside a digest", {"price": {"_sd": [digest], "x": 1}}, [good]
    yield "one digest for two values", {"a": {"_sd": [digest]}, "b": [{"_sd": [digest]}]}, [good]


def replaced(at: int, statement: bytes) -> list[bytes]:
    """The log with another statement at this place, its links made to fit."""
    return rewritten(entries(), lambda entry: replace(entry, statement=statement) if entry.index == at else entry)


def small_order(statement: bytes) -> bytes:
    """The same claims under the identity point, for which OpenSSL takes one signature for every message."""
    neutral = bytes([1]) + bytes(31)
    value = "z" + base58_encode(b"\xed\x01" + neutral)
    claims = jws.parse(statement).claims | {"iss": f"did:key:{value}"}
    header = {"alg": "Ed25519", "kid": f"did:key:{value}#{value}", "typ": "cadastre+jwt"}
    return ".".join([spelt(header), spelt(claims), b64url(neutral + bytes(32))]).encode()


def mirrored(statement: bytes) -> bytes:
    """(r, n-s) for (r, s)."""
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    head, _, signature = statement.rpartition(b".")
    raw = b64decode(signature)
    return head + b"." + b64url(raw[:32] + (order - int.from_bytes(raw[32:])).to_bytes(32)).encode()
