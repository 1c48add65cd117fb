"""The client: a ledger over HTTP, as typed calls that raise the ledger's own errors.

    with Client("http://127.0.0.1:8000", key=read_key(path)) as ledger:
        admitted = ledger.submit(ledger.compose("party.joined", {"name": "Blade Works"}))
        print(admitted.index, ledger.subject(admitted.subject).state)

``answers`` holds what the ledger answers, ``wire`` how requests are sent again and problems read back, ``signing`` how
a statement is put together. A statement may be sent again as often as one likes: the same bytes give the same entry.
"""

from api.client.answers import Admitted, Entry, Erasure, Ledger, Page, Subject, Summary, Verdict
from api.client.client import Client
from api.client.signing import Speaker, conceal, sign_statement
from api.client.wire import ServerProblem

__all__ = [
    "Admitted",
    "Client",
    "Entry",
    "Erasure",
    "Ledger",
    "Page",
    "ServerProblem",
    "Speaker",
    "Subject",
    "Summary",
    "Verdict",
    "conceal",
    "sign_statement",
]
