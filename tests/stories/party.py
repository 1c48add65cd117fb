"""Parties: who may join, under which roles, with names in the open or withheld."""

STORIES = {
    "anyone joins, once": """
        factory     party.joined           -                                       recorded
        factory     party.joined           - name=Another                          party_known
        partner     party.joined           - private=name                          recorded
        partner     party.joined           -                                       party_known
        governance  party.joined           -                                       recorded
    """,
    "where the charter lists who may join, others may not": """
        governance  ledger.amended         - joiners=listed listed=[did-of-factory]  recorded
        partner     party.joined           -                                       joining_closed
        factory     party.joined           -                                       recorded
        governance  ledger.amended         - joiners=anyone                        recorded
        partner     party.joined           -                                       recorded
    """,
    "roles of recognised authorities are theirs alone": """
        governance  ledger.amended         - authorities=[auditor@lender]          recorded
        factory     party.joined           - roles=[auditor]                       role_reserved
        factory     party.joined           - roles=[factory]                       recorded
        lender      party.joined           - roles=[auditor]                       recorded
    """,
    "names are plain where the charter wants them plain": """
        governance  ledger.amended         - names=plain                           recorded
        factory     party.joined           - private=name                          name_must_be_plain
        factory     party.joined           -                                       recorded
    """,
    "names are private where the charter wants them private": """
        governance  ledger.amended         - names=private                         recorded
        factory     party.joined           -                                       name_must_be_private
        factory     party.joined           - private=name                          recorded
    """,
}
