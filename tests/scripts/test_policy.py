"""Policy files: what names log keys, and everything that does not."""

from __future__ import annotations

import pytest

from identity.errors import Malformed
from identity.note import format_vkey
from scripts.policy import parse_policy
from tests.cast import LOG
from tests.scripts.fake import NEXT

VKEY = format_vkey(LOG.verifier)
NEXT_VKEY = format_vkey(NEXT.verifier)
COSIGNER = "witness.example+e4ad1c1d+BAYpYSWKPl8ARkQcxtPHMOJ3WkWl1kGb7jwc2dCRY2H7"


@pytest.mark.parametrize(
    ("text", "logs"),
    [
        ("quorum none\n", 0),
        (f"log {VKEY}\nquorum none\n", 1),
        (f"log {VKEY} https://ledger.example\nquorum none", 1),
        (f"# a comment\n\n \t# another\n\tlog \t{VKEY} \nquorum  none\nlog {NEXT_VKEY}\n", 2),
    ],
)
def test_a_policy_names_logs_and_no_quorum(text: str, logs: int) -> None:
    assert len(parse_policy(text)) == logs


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "policy_malformed"),
        (f"log {VKEY}\n", "policy_malformed"),
        ("quorum none\nquorum none\n", "policy_malformed"),
        ("quorum none none\n", "policy_malformed"),
        ("log\nquorum none\n", "policy_malformed"),
        ("log nonsense\nquorum none\n", "policy_malformed"),
        (f"log {VKEY[:-4]}AAA=\nquorum none\n", "policy_malformed"),
        (f"log {VKEY} https://a.example more\nquorum none\n", "policy_malformed"),
        (f"log {VKEY}\nlog {VKEY}\nquorum none\n", "policy_malformed"),
        (f"log {VKEY}\r\nquorum none\r\n", "policy_malformed"),
        (f"trust {VKEY}\nquorum none\n", "policy_malformed"),
        (f"log {VKEY}\nquorum most\n", "policy_unsupported"),
        (f"log {VKEY}\nwitness W {COSIGNER}\nquorum none\n", "policy_unsupported"),
        (f"log {VKEY}\nwitness W {COSIGNER} https://w.example\nquorum W\n", "policy_unsupported"),
        (f"log {VKEY}\ngroup G any W\nquorum G\n", "policy_unsupported"),
    ],
)
def test_other_policies_are_refused_by_name(text: str, code: str) -> None:
    with pytest.raises(Malformed) as refused:
        parse_policy(text)
    assert refused.value.code == code
