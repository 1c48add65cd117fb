"""The page of a pack in a real browser: the same table as the other judge's, no network, and no script but its own."""

from __future__ import annotations

import re
from dataclasses import replace
from hashlib import sha256

import orjson
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from nacl.bindings import crypto_core_ed25519_is_valid_point

from identity.canonical import decode
from identity.did import key_named
from identity.keys import SigningKey
from identity.note import Signer, format_vkey
from identity.signature import COSIGNATURE_MLDSA44
from ledger.audit.tree import Tree
from ledger.circulation.charter import Limits
from ledger.errors import Malformed
from ledger.log.cosignature import Cosigner
from ledger.log.merkle import inclusion_proof, leaf_hash, root_at
from ledger.log.policy import parse_policy
from ledger.pack.data import FORMAT, format_data
from ledger.pack.evidence import ScanEvidence
from ledger.pack.gather import gather
from ledger.pack.judge import judge
from ledger.pack.page import format_page, script_digest
from ledger.statement import KINDS
from ledger.world import RULES, SKEW_S
from tests.cast import CAST, LOG, ORIGIN, Play, charter, description, seed
from tests.ledger.pack.cases import USURPER, asking, cases, replaced
from tests.ledger.pack.pressed import (
    POLICY,
    QUANTUM,
    SECOND_LOG,
    Listed,
    checkpoint,
    cosigned,
    entries,
    honest,
    pressed,
    story,
)
from tests.ledger.pack.reader import Reader
from tests.ledger.pack.test_judge import UNDER
from tests.ledger.pack.turned import doubted, turned
from tests.logs import multikey

OTHER = Signer(ORIGIN, seed("other")).verifier
SMALL_ORDER = (
    0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD83D3D706A17C7,
    0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826,
)
"""The two of Edwards25519's points of order 8 that have these y, beside those of order 1, 2 and 4."""

JUDGE_ALL = """async (cases) => {
  const found = [];
  for (const [data, policy] of cases) {
    const { word, index, reason, detail } = await judge(data, { policy });
    found.push([word, index, `${reason}: ${detail}`]);
  }
  return found;
}"""


def test_the_table_has_the_same_words_in_the_browser(reader: Reader) -> None:
    assert reader.opened(cases()["honest"].data) == "consistent"
    found = reader.page.evaluate(JUDGE_ALL, [[case.data.decode(), case.policy] for case in cases().values()])
    judged = zip(cases().values(), found, strict=True)
    assert [
        (case.name, word, index, why) for case, (word, index, why) in judged if (word, index) != (case.word, case.index)
    ] == []


def test_both_judges_know_the_same_rules_formats_and_signers(reader: Reader) -> None:
    reader.opened(cases()["honest"].data)
    known = reader.page.evaluate("({ RULES, SKEW_S, CLOCK_S, KINDS, FORMAT, MEMBERS, PIECE })")
    assert (known["RULES"], known["SKEW_S"], known["CLOCK_S"]) == (RULES, SKEW_S, Limits().clock)
    assert known["KINDS"].keys() == KINDS.keys()
    members = orjson.loads(cases()["honest"].data)
    assert (known["FORMAT"], known["MEMBERS"], known["PIECE"]) == (
        FORMAT,
        sorted(members),
        sorted(members["entries"][0]),
    )


# ---- What a reader is shown --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("honest", "No witness was asked for"),
        ("honest, its policy met", "they saw this very history"),
        ("beside another root of this size", "The log signed two histories"),
        ("the proof of entry 7 altered", "Entry 7: proof_wrong"),
        ("rules of a later version", "That accuses nobody"),
        ("nothing", "Do not rely on it"),
        ("a later version in which all is different", "That accuses nobody"),
    ],
)
def test_each_word_is_shown_with_its_line_and_asks_nobody(reader: Reader, name: str, said: str) -> None:
    case = cases()[name]
    assert reader.opened(case.data) == case.word
    policy = None if case.policy is None else parse_policy(case.policy.encode())
    assert reader.text("#line") == judge(case.data, policy).line()
    assert said in reader.text("#verdict")
    assert reader.asked == [reader.page.url], "it asked for more than the file"
    assert reader.wrong == []


def test_the_page_shows_what_became_of_the_keys_of_signers_and_who_acted_for_whom(reader: Reader) -> None:
    told = turned()
    at = told.at
    assert reader.opened(format_data(told.pack("by a party at the end of a chain"))) == "consistent"
    behind = reader.text("#behind")
    line = (
        f"{multikey('works-2')} from entry {at['the rotation']}, until entry {at['the move']}, said to be compromised"
    )
    assert f"{line} since entry {at['the move'] - 2}" in behind
    assert f"Done for\n“{CAST['works'].legal}” {told.logs['the joining']['works'].did}" in behind
    assert f"Signed by\n“{CAST['partner'].legal}” {CAST['partner'].did}" in behind
    assert (
        f"by “{CAST['works'].legal}” {told.logs['the joining']['works'].did} to {CAST['machine'].did} for {{"
        in " ".join(behind.split("  "))
    )
    assert behind.count("Under the delegation") == 3
    assert f"; revoked by entry {at['the revocation']}" in behind
    given = [at["the delegation"], at["the delegation given on"], at["the delegation given on again"]]
    row = reader.text("#acts tr.asked")
    assert f"by {CAST['partner'].did} under {', '.join(f'entry {one}' for one in given)}" in row
    assert reader.wrong == []


@pytest.mark.parametrize(("name", "doubtful", "left"), [(name, *told) for name, told in UNDER.items()])
def test_the_page_doubts_what_was_done_under_a_delegation_as_that_is(
    reader: Reader, name: str, doubtful: bool, left: list[str]
) -> None:
    made = doubted()
    assert reader.opened(format_data(made.pack(name))) == "consistent"
    remarks = reader.text("#remarks")
    assert ("A delegation under which it was done is said to be compromised" in remarks) == doubtful
    assert "The key that signed it is said" not in remarks
    assert remarks.count("was revoked can have been left out") == len(left)
    assert all(f"That {made.delegations[one]} was revoked" in remarks for one in left)
    by_a_party = f"The keys of {made.play.party('partner')} are told up to entry" in remarks
    assert by_a_party == (name == "under one that a party gave on")
    assert reader.wrong == []


def test_the_page_calls_a_party_by_the_name_it_joined_under_and_doubts_keys_that_are_said_to_be_compromised(
    reader: Reader,
) -> None:
    reader.opened(format_data(turned().pack("after the recovery")))
    assert f"“{CAST['mill'].legal}” {CAST['spare'].did}" in reader.text("#behind")
    assert "it may have been somebody else" not in reader.text("#remarks")
    reader.opened(cases()["turned, the rotation to P-256"].data)
    assert "it may have been somebody else" in reader.text("#remarks")
    reader.opened(cases()["below a delegation that was revoked"].data)
    assert "does not hold" not in reader.text("#acts"), "the bytes of each act hold"
    assert "was revoked by entry" in reader.text("#remarks")


PLACES_TRIED = {
    "host.example": True,
    "host.example%3A8443:org:works": True,
    "HOST.example:%E5%8F%B6": True,
    "host": False,
    "host.example%3A0": False,
    "host.example%3A70000": False,
    "10.0.0.1": False,
    "host.0x7f": False,
    "-host.example": False,
    "host.example:": False,
    "host.example::org": False,
    "host.example:%2E%2E": False,
    "host.example:a%2Fb": False,
    "host.example:%FF": False,
    "host.example:%20": False,
}


def test_both_judges_take_the_same_did_webvh_for_one(reader: Reader) -> None:
    urls = [f"did:webvh:Qm{'a' * 44}:{place}#{multikey('works')}" for place in PLACES_TRIED]
    reader.opened(cases()["honest"].data)
    taken = "(urls) => urls.map((url) => { try { keyNamed(url); return true } catch { return false } })"
    wanted = list(PLACES_TRIED.values())
    assert ([is_key(url) for url in urls], reader.page.evaluate(taken, urls)) == (wanted, wanted)


def is_key(url: str) -> bool:
    """Whether the other judge takes a DID URL for one that names a key."""
    try:
        key_named(url)
    except Malformed:
        return False
    return True


def test_the_page_shows_who_signed_what_and_when(reader: Reader) -> None:
    reader.opened(format_data(replace(honest(27), policy=POLICY)))
    behind, acts = reader.text("#behind"), reader.page.locator("#acts > tr")
    assert acts.count() == len(honest(27).pieces)
    for shown in (CAST["second"].legal, CAST["second"].did, format_vkey(SECOND_LOG.verifier), "Former log key"):
        assert shown in behind
    for name in ("works", "customs"):
        assert f"{name}, 2025-10-11" in behind
    assert CAST["factory"].legal in acts.nth(1).inner_text(), "a name in two scripts"
    assert "transfer.accepted" in reader.page.inner_text("tr.asked")
    assert "no amendment" not in behind
    assert reader.text("#script-digest") == script_digest()


def test_a_private_value_is_withheld_unless_it_is_disclosed(reader: Reader) -> None:
    reader.opened(cases()["nothing disclosed"].data)
    row = reader.page.locator("#acts > tr", has_text="name withheld").first
    row.locator("summary").first.click()
    assert "name: withheld" in row.inner_text()
    assert CAST["lender"].legal not in reader.text()
    reader.opened(cases()["honest"].data)
    assert f"\u201c{CAST['lender'].legal}\u201d (disclosed)" in reader.text("#acts")


HOSTILE = [
    "</script><script>alert('title')</script>",
    "<img src=http://127.0.0.1:9/x onerror=alert(1)>",
    "--><svg onload=alert(2)><!--",
    "\"'><a href=javascript:alert(3)>x</a> {{script}} {{pack}}",
    "<!--<script>",
]


@pytest.mark.parametrize("title", HOSTILE)
def test_what_a_title_or_name_says_is_text_and_nothing_else(reader: Reader, title: str) -> None:
    play = Play()
    play.act("party.joined", by="factory", body={"name": title})
    play.act("asset.registered", by="factory", body=description(title))
    play.act("asset.retired", by="factory", sub=play.entries[2].subject, body={"reason": title})
    log = [played.entry for played in play.entries]
    evidence = ScanEvidence(Listed(log, checkpoint(log, LOG)))
    assert reader.opened(format_data(gather(evidence, 3, policy=f"# {title}\nquorum none\n"))) == "consistent"
    for summary in reader.page.locator("#acts > tr:last-child details").all():
        summary.evaluate("node => { node.open = true }")
    assert orjson.dumps(title).decode() in reader.text("#acts") or title in reader.text("#acts")
    assert (reader.asked, reader.wrong) == ([reader.page.url], [])
    assert reader.page.locator("#acts img, #acts a, #acts script, #acts svg").count() == 0


def test_the_page_may_load_nothing_and_run_nothing_else(reader: Reader) -> None:
    reader.opened(cases()["honest"].data)
    tries = """async () => {
      const injected = document.createElement("script");
      injected.textContent = "document.title = 'injected'";
      document.body.append(injected);
      const fetched = await fetch("http://127.0.0.1:9/").then(() => "fetched", () => "refused");
      const image = new Image();
      image.src = "http://127.0.0.1:9/x.png";
      const shown = await new Promise((done) => {
        image.onload = () => done("shown");
        image.onerror = () => done("refused");
      });
      return [document.title, fetched, shown];
    }"""
    assert reader.page.evaluate(tries) == ["Cadastre audit pack", "refused", "refused"]
    assert reader.refused == ["csp"], "the image's"
    assert sum("Content Security Policy" in wrong for wrong in reader.wrong) >= 3


# ---- What a reader brings ----------------------------------------------------------------------------------


def test_a_reader_judges_under_a_policy_of_their_own(reader: Reader) -> None:
    reader.opened(format_data(honest(19)))
    assert reader.again(policy=POLICY) == "witnessed"
    assert reader.again(policy=asking("insurer")) == "consistent"
    assert "Too few of the witnesses" in reader.text("#verdict")
    assert reader.again(policy="quorum nobody\n") == "consistent", "what was judged before stays"
    assert "Your policy is not one: line 1" in reader.text("#said")
    assert reader.again(policy=POLICY.replace(format_vkey(SECOND_LOG.verifier), format_vkey(OTHER))) == "corrupt"
    assert "no key that the policy names for this log signed it" in reader.text("#verdict")
    assert reader.again() == "consistent"


def test_a_reader_compares_a_checkpoint_they_kept(reader: Reader) -> None:
    reader.opened(format_data(honest(19)))
    kept = {
        "the same size and root": checkpoint(entries()),
        "of another size": checkpoint(entries()[:20], LOG),
        "did not sign": checkpoint([*entries()[:31], b"another"], Signer(ORIGIN, seed("stranger"))),
        "it says nothing": b"no checkpoint",
    }
    for said, note in kept.items():
        assert reader.again(known=note.decode()) == "consistent"
        assert said in reader.text("#remarks")
    assert reader.again(known=checkpoint([*entries()[:31], b"another"]).decode()) == "diverged"
    by_former = checkpoint([*entries()[:31], b"another"], LOG).decode()
    assert reader.again(known=by_former) == "corrupt"
    assert "a key that is not trusted signed another root" in reader.text("#remarks")


def test_the_checkpoint_of_the_log_that_is_meant_does_not_accuse_it(reader: Reader) -> None:
    forged, true = cases()["a ledger that names another's key"], checkpoint(entries()[:3], LOG).decode()
    assert reader.opened(forged.data) == "consistent"
    unnamed = "No policy of yours names a key of this log"
    assert unnamed in reader.text("#remarks")
    own = f"log {format_vkey(USURPER.verifier)}\nquorum none\n"
    assert reader.opened(forged.data.replace(b'"policy":null', b'"policy":' + orjson.dumps(own))) == "consistent"
    assert unnamed in reader.text("#remarks"), "the maker's policy is not the reader's"
    assert reader.again(policy=own) == "consistent"
    assert unnamed not in reader.text("#remarks")
    assert reader.again(known=true) == "corrupt"
    assert reader.again(policy=f"log {format_vkey(LOG.verifier)}\nquorum none\n") == "corrupt"
    assert "no key that the policy names" in reader.text("#remarks")


def test_a_page_judges_another_pack_without_running_its_script(reader: Reader) -> None:
    reader.opened(cases()["honest"].data)
    lying = format_page(cases()["a title altered"].data).replace(b"await judge(", b"alert(1), await judge(")
    assert reader.choose(reader.file("lying.html", lying)) == "corrupt"
    assert "lying.html, judged by this page. Around its data it is ANOTHER page" in reader.text("#said")
    other = format_page(format_data(honest(27)))
    assert reader.choose(reader.file("other.html", other)) == "consistent"
    assert "Around its data it is the same page" in reader.text("#said")
    assert "entry 27 of" in reader.text("#about")
    reader.choose(reader.file("none.html", b"<!doctype html>"))
    assert "none.html is no pack" in reader.text("#said")
    assert "entry 27 of" in reader.text("#about")
    assert reader.wrong == []


def test_a_page_with_the_same_script_and_more_around_it_is_another(reader: Reader) -> None:
    page = format_page(format_data(honest(27)))
    digest = re.search(rb'name="around" content="([0-9a-f]{64})"', page)
    assert digest
    head = page[: page.index(b"<title>")]
    csp = re.search(rb'<meta http-equiv="Content-Security-Policy"[^>]*>\n', page)
    assert csp
    others = [
        page.replace(csp[0], b"").replace(b"</body>", b"<script>document.title = 1</script></body>"),
        page.replace(b"</body>", b"<p>Genuine.</p></body>"),
        page.replace(digest[1], b"0" * 64),
        page.replace(digest[1], b"").replace(b"<title>", b"<title>" + digest[1]),
        page.replace(head, head + b'<meta name="around" content="' + digest[1] + b'">'),
        page + b"\n",
        b"\xef\xbb\xbf" + page,
    ]
    reader.opened(cases()["honest"].data)
    for number, other in enumerate(others):
        reader.choose(reader.file(f"{number}.html", other))
        assert f"{number}.html, judged by this page. Around its data it is ANOTHER page" in reader.text("#said")
    reader.choose(reader.file("broken.html", page.replace(b"<title>", b"<title>\xff")))
    assert "broken.html is no pack" in reader.text("#said")


@pytest.mark.parametrize(
    "name", ["governance of the ledger", "name withheld", "Works\u201d (disclosed)", "\u05d0\u05d1"]
)
def test_no_name_looks_like_what_the_charter_or_the_page_says(reader: Reader, name: str) -> None:
    play = Play()
    play.act("party.joined", by="factory", body={"name": name})
    log = [played.entry for played in play.entries]
    reader.opened(format_data(gather(ScanEvidence(Listed(log, checkpoint(log, LOG))), 1)))
    rows = reader.page.locator("#acts > tr")
    assert rows.nth(0).locator("b.role").inner_text() == "governance of the ledger"
    assert rows.nth(1).locator("b.role").count() == 0
    assert rows.nth(1).locator("bdi").inner_text() == name
    for shown in (rows.nth(1).inner_text(), reader.text("#behind")):
        assert f"\u201c{name}\u201d" in shown


def test_who_bears_a_role_and_a_name_is_shown_with_both(reader: Reader) -> None:
    play = Play()
    play.act("party.joined", by="governance", body={"name": "Works council"})
    log = [played.entry for played in play.entries]
    reader.opened(format_data(gather(ScanEvidence(Listed(log, checkpoint(log, LOG))), 1)))
    row = reader.page.locator("#acts > tr").nth(1)
    assert "governance of the ledger \u201cWorks council\u201d" in row.inner_text()


def test_a_signature_that_is_not_there_is_not_named_as_unchecked(reader: Reader) -> None:
    quantum = Cosigner(ORIGIN, COSIGNATURE_MLDSA44, seed("log-mldsa"))
    play = Play(founding=charter(mldsaKey=format_vkey(quantum.verifier)))
    play.join("factory")
    log = [played.entry for played in play.entries]
    alone = checkpoint(log, LOG)
    both = cosigned(alone, play.seconds, quantum)
    made = gather(ScanEvidence(Listed(log, both)), 1)
    assert reader.opened(format_data(replace(made, checkpoint=alone))) == "consistent"
    assert "Not checked by this page" not in reader.text("#remarks")
    assert reader.opened(format_data(made)) == "consistent"
    assert "Not checked by this page: the log's signature of type 0x06" in reader.text("#remarks")
    only = f"log {format_vkey(quantum.verifier)}\nquorum none\n"
    assert reader.again(policy=only) == "no verdict", "the one key that is believed is one it cannot check"
    assert judge(format_data(made), parse_policy(only.encode())).word == "consistent"
    assert reader.opened(format_data(replace(made, checkpoint=alone, policy=only))) == "corrupt"


def test_what_a_verdict_does_not_say_it_names(reader: Reader) -> None:
    reader.opened(cases()["without the last act on its subject, which nothing here shows"].data)
    assert "latest acts on its subjects can have been left out" in reader.text("#remarks")
    reader.opened(cases()["without history"].data)
    assert "latest acts" not in reader.text("#remarks")
    for name in ("without history", "by a party, with room for 7", "turned, by a party at the end of a chain"):
        reader.opened(cases()[name].data)
        said = reader.text("#remarks").splitlines()
        told = [one for one in judge(cases()[name].data).remarks() if one.startswith("the keys of ")]
        assert [f"{one[0].lower()}{one[1:-1]}" for one in said if one.startswith("The keys of ")] == told
        for one in told:
            assert one[one.index("told up to") : one.index(":")] in reader.text("#behind")
    reader.opened(cases()["beside an older checkpoint"].data)
    assert "A checkpoint of size 20 beside it is not compared" in reader.text("#remarks")


def test_what_this_page_cannot_check_it_names(reader: Reader) -> None:
    quantum = cosigned(checkpoint(entries()), story().seconds + 5, QUANTUM)
    policy = asking("insurer")
    assert reader.opened(format_data(replace(honest(19), checkpoint=quantum, policy=policy))) == "consistent"
    assert "Not checked by this page: the cosignature of insurer.example/w, of type 0x06" in reader.text("#remarks")
    assert judge(format_data(replace(honest(19), checkpoint=quantum, policy=policy))).word == "witnessed"


@pytest.mark.parametrize(
    ("lacks", "said"),
    [
        ("Object.defineProperty(Crypto.prototype, 'subtle', { value: undefined })", "offers no WebCrypto"),
        (
            "const made = SubtleCrypto.prototype.importKey; SubtleCrypto.prototype.importKey = function (...given) {"
            " return given[2] === 'Ed25519' ? Promise.reject(new Error('no')) : made.apply(this, given) }",
            "cannot verify Ed25519",
        ),
    ],
)
def test_a_browser_that_lacks_what_is_needed_gives_no_verdict(reader: Reader, lacks: str, said: str) -> None:
    reader.page.add_init_script(lacks)
    assert reader.opened(cases()["honest"].data) == "no verdict"
    assert said in reader.text("#verdict")
    assert "consistent" not in reader.text("#verdict")


def test_the_form_of_a_body_is_left_to_the_command(reader: Reader) -> None:
    """A body is judged by the rules of its kind, which the page does not have."""
    offer = story().entries[7]
    sent = story().sign("agreement.requested", by="lender", body={"heat": 1_500}, prev={offer.subject: offer.id})
    data = format_data(pressed(honest(19), replaced(20, sent)))
    assert reader.opened(data) == "consistent"
    assert (judge(data).word, judge(data).index, judge(data).reason) == ("corrupt", 20, "body_malformed")


# ---- The parts of the script -------------------------------------------------------------------------------


def test_an_ed25519_key_is_one_for_the_page_if_it_is_for_libsodium(reader: Reader) -> None:
    reader.opened(cases()["honest"].data)
    prime = 2**255 - 19
    small = [0, 1, prime - 1, prime, prime + 1, 2**255 - 1, *SMALL_ORDER]
    raw = [value.to_bytes(32, "little") for value in small] + [(one | 1 << 255).to_bytes(32, "little") for one in small]
    raw += [sha256(b"%d" % number).digest() for number in range(60)]
    raw += [SigningKey.from_seed("Ed25519", sha256(b"%d" % number).digest()).public.raw for number in range(10)]
    found = reader.page.evaluate(
        "keys => keys.map((key) => isEd25519Key(Uint8Array.from(key)))", [list(one) for one in raw]
    )
    assert found == [bool(crypto_core_ed25519_is_valid_point(one)) for one in raw]
    assert found.count(True) >= 10


def test_a_compressed_point_of_p256_is_the_same_for_the_page(reader: Reader) -> None:
    reader.opened(cases()["honest"].data)
    keys = [SigningKey.from_seed("ES256", sha256(b"%d" % number).digest()).public.raw for number in range(20)]
    keys += [bytes([2]) + sha256(b"%d" % number).digest() for number in range(20)]
    keys += [bytes([4]) + keys[0][1:], bytes([2]) + b"\xff" * 32, keys[0][:-1], b""]
    found = reader.page.evaluate(
        "keys => keys.map((key) => Array.from(uncompressed(Uint8Array.from(key)) ?? []))", [list(one) for one in keys]
    )
    assert [bytes(one) for one in found] == [whole_point(one) for one in keys]
    assert b"" in map(bytes, found[20:40])


def whole_point(compressed: bytes) -> bytes:
    try:
        point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), compressed)
    except ValueError:
        return b""
    form = serialization.PublicFormat.UncompressedPoint
    return point.public_bytes(serialization.Encoding.X962, form) if compressed[0] != 4 else b""


def test_json_has_one_spelling_and_it_is_the_same_one(reader: Reader) -> None:
    reader.opened(cases()["honest"].data)
    texts = [
        *(
            '{"a":1,"b":2}',
            '{"b":2,"a":1}',
            '{"a":1,"a":1}',
            '{"a": 1}',
            "[1,2]",
            "[]",
            "{}",
            "null",
            "true",
            '""',
            "",
            "x",
        ),
        *(
            "1.0",
            "1.5",
            "1e3",
            "-0",
            "0",
            "01",
            "-1",
            "9007199254740991",
            "9007199254740992",
            "-9007199254740991",
            "1e400",
        ),
        *(
            '"é"',
            '"\\u00e9"',
            '"\\u0001"',
            '"\\n"',
            '"\\u000a"',
            '"\\/"',
            '"/"',
            '"\x7f"',
            '"\\u2028"',
            '"\u2028"',
            '"😀"',
        ),
        *(
            '"\\ud83d\\ude00"',
            '"\\ud800"',
            '"a\\ud800b"',
            '{"é":1}',
            '{"__proto__":1}',
            '{"10":1,"9":2}',
            '{"9":2,"10":1}',
        ),
        *("[" * 32 + "]" * 32, "[" * 33 + "]" * 33, '{"a":' * 32 + "1" + "}" * 32, '{"a":' * 33 + "1" + "}" * 33),
        *(
            '"\\"\\\\"',
            '"\\b\\f\\r\\t"',
            '"\\u0008"',
            '{"":1}',
            '{"a":[{"b":null}]}',
            "[1,]",
            "\ufeff1",
            " 1",
            "NaN",
            '"\t"',
        ),
    ]
    ask = """texts => texts.map((text) => {
      try {
        parseCanonical(text);
        return true;
      } catch (wrong) {
        if (!(wrong instanceof Finding)) throw wrong;
        return false;
      }
    })"""
    assert list(zip(texts, reader.page.evaluate(ask, texts), strict=True)) == [
        (text, is_canonical(text)) for text in texts
    ]


def is_canonical(text: str) -> bool:
    try:
        decode(text.encode())
    except Malformed:
        return False
    return True


def test_inclusion_is_proven_at_every_place_of_every_size(reader: Reader) -> None:
    reader.opened(cases()["honest"].data)
    log = [b"entry %d" % number for number in range(20)]
    nodes = Tree(map(leaf_hash, log)).nodes
    asked = [
        [list(log[index]), index, size, [list(one) for one in inclusion_proof(index, size, nodes)]]
        for size in range(1, 21)
        for index in range(size)
    ]
    ask = """async (asked) => {
      const found = [];
      for (const [entry, index, size, proof] of asked) {
        const root = await rootFrom(Uint8Array.from(entry), index, size, proof.map((one) => Uint8Array.from(one)));
        found.push(Array.from(root ?? []));
      }
      return found;
    }"""
    found = reader.page.evaluate(ask, asked)
    assert [bytes(one) for one in found] == [root_at(size, nodes) for _, _, size, _ in asked]
    shorter = [[entry, index, size, proof[:-1]] for entry, index, size, proof in asked if proof]
    longer = [[entry, index, size, [*proof, [0] * 32]] for entry, index, size, proof in asked]
    beyond = [[entry, size, size, proof] for entry, _, size, proof in asked]
    assert not any(reader.page.evaluate(ask, shorter + longer + beyond))


def test_no_letter_of_a_pack_can_be_another_one(reader: Reader) -> None:
    small = replace(honest(1), checkpoint=checkpoint(entries()))
    data = format_data(small).decode()
    changed = [data[:at] + chr(ord(data[at]) ^ 1) + data[at + 1 :] for at in range(0, len(data), 7)]
    assert reader.opened(data.encode()) == "consistent"
    found = reader.page.evaluate(JUDGE_ALL, [[one, None] for one in changed])
    expected = [judge(one.encode()) for one in changed]
    assert {word for word, *_ in found} == {"corrupt"}
    assert [(word, index) for word, index, _ in found] == [(one.word, one.index) for one in expected]
