"""Aliases: claimed by whoever a subject belongs to, attested by registrars of the charter for one subject at a time."""

LEI, OTHER = "lei:529900T8BM49AURSDO55", "lei:213800KUD8LAJWSQ9D15"
BPN, GTIN, HANDLE = "bpn:BPNL000000000065", "gtin:04012345123456", "handle:88.118.8/spindle-4"
MANY = [f"handle:88.118.8/{number}" for number in range(33)]

STORIES = {
    "a party claims aliases and withdraws them": f"""
        joined      factory partner
        factory     party.aliased          factory claimed=[{LEI},{BPN}]           recorded
        factory     party.aliased          factory claimed=[{LEI}]                 alias_claimed_already
        factory     party.aliased          factory claimed=[{GTIN}]                alias_unfit
        partner     party.aliased          factory claimed=[{OTHER}]               party_of_another
        partner     party.aliased          partner claimed=[{LEI}]                 recorded
        factory     party.aliased          factory withdrawn=[{OTHER}]             alias_not_claimed
        factory     party.aliased          factory claimed=[{OTHER}] withdrawn=[{LEI}]  recorded
        factory     party.aliased          factory withdrawn=[{LEI}]               alias_not_claimed
        factory     party.aliased          factory claimed=[{LEI}] prev=stale      pin_stale
    """,
    "an alias is spelt in one way, and its check digits fit": """
        joined      factory
        factory     party.aliased          factory claimed=[lei:529900T8BM49AURSDO56]   body_malformed
        factory     party.aliased          factory claimed=[lei:529900t8bm49aursdo55]   body_malformed
        factory     party.aliased          factory claimed=[duns:123456789]             body_malformed
        factory     party.aliased          factory claimed=[529900T8BM49AURSDO55]       body_malformed
        factory     party.aliased          factory claimed=[]                           body_malformed
        factory     party.aliased          factory claimed=[handle:88.1/a,handle:88.1/a]  body_malformed
        factory     party.aliased          factory claimed=[handle:88.1/a] withdrawn=[handle:88.1/a]  body_malformed
    """,
    "a subject has so many aliases, and no more": f"""
        joined      factory
        factory     party.aliased          factory claimed=[{",".join(MANY[:16])}]    recorded
        factory     party.aliased          factory claimed=[{",".join(MANY[16:32])}]  recorded
        factory     party.aliased          factory claimed=[{MANY[32]}]            aliases_too_many
        factory     party.aliased          factory claimed=[{MANY[32]}] withdrawn=[{MANY[0]}]  recorded
    """,
    "the aliases of an asset are its holder's to claim": f"""
        joined      factory partner
        factory     asset.registered       blades                                  recorded
        factory     asset.aliased          blades claimed=[{GTIN},{HANDLE}]        recorded
        factory     asset.aliased          blades claimed=[{LEI}]                  alias_unfit
        partner     asset.aliased          blades claimed=[{MANY[0]}]              asset_not_yours
        factory     transfer.proposed      sale of blades to partner               recorded
        partner     transfer.accepted      sale                                    recorded
        factory     asset.aliased          blades withdrawn=[{GTIN}]               asset_not_yours
        partner     asset.aliased          blades withdrawn=[{GTIN}]               recorded
        partner     asset.retired          blades                                  recorded
        partner     asset.aliased          blades claimed=[{GTIN}]                 asset_retired
    """,
    "a registrar attests an alias, for one subject": f"""
        joined      factory partner lender second
        factory     party.aliased          factory claimed=[{LEI}]                 recorded
        partner     party.aliased          partner claimed=[{LEI}]                 recorded
        lender      alias.attested         seal of factory {LEI}                   not_a_registrar
        governance  ledger.amended         - authorities=[registrar@lender,auditor@second]  recorded
        second      alias.attested         seal of factory {LEI}                   not_a_registrar
        lender      alias.attested         seal of second {LEI}                    alias_not_claimed
        lender      alias.attested         seal of no-party {LEI}                  subject_unknown
        lender      alias.attested         seal of factory {LEI}                   recorded
        so          seal                   by=lender subject=factory status=given
        lender      alias.attested         seal-2 of factory {LEI}                 alias_attested_already
        lender      alias.attested         seal-2 of partner {LEI}                 alias_attested_already
        lender      alias.disputed         seal subject=partner                    attestation_of_other_subject
        second      alias.disputed         seal                                    not_a_registrar
        lender      alias.disputed         seal                                    recorded
        so          seal                   status=disputed
        lender      alias.disputed         seal                                    attestation_over
        lender      alias.attested         seal-2 of partner {LEI}                 recorded
    """,
    "nobody attests what is their own": f"""
        joined      factory lender second
        governance  ledger.amended         - authorities=[registrar@lender,registrar@second]  recorded
        lender      party.aliased          lender claimed=[{LEI}]                  recorded
        lender      asset.registered       rates                                   recorded
        lender      asset.aliased          rates claimed=[{HANDLE}]                recorded
        lender      alias.attested         seal of lender {LEI}                    attested_by_itself
        lender      alias.attested         seal of rates {HANDLE}                  attested_by_itself
        second      party.delegated        mandate to lender kinds=[alias.*,party.delegated] depth=1  recorded
        lender      party.delegated        further to machine kinds=[alias.*] via=mandate  recorded
        lender      alias.attested         seal of lender {LEI} via=mandate        attested_by_itself
        lender      alias.attested         seal of rates {HANDLE} via=mandate      attested_by_itself
        machine     alias.attested         seal of lender {LEI} via=further        attested_by_itself
        machine     alias.attested         seal of rates {HANDLE} via=further      attested_by_itself
        second      alias.attested         seal of lender {LEI}                    recorded
        second      alias.attested         seal-2 of rates {HANDLE}                recorded
    """,
    "an alias that was withdrawn, or whose registrar is none any more, is free for others": f"""
        joined      factory partner lender second
        governance  ledger.amended         - authorities=[registrar@lender]        recorded
        factory     party.aliased          factory claimed=[{LEI}]                 recorded
        partner     party.aliased          partner claimed=[{LEI},{HANDLE}]        recorded
        lender      alias.attested         seal of factory {LEI}                   recorded
        factory     party.aliased          factory withdrawn=[{LEI}]               recorded
        lender      alias.attested         seal-2 of partner {LEI}                 recorded
        factory     party.aliased          factory claimed=[{LEI}]                 recorded
        lender      alias.disputed         seal                                    recorded
        lender      alias.attested         seal-3 of factory {LEI}                 alias_attested_already
        governance  ledger.amended         - authorities=[registrar@second]        recorded
        lender      alias.attested         seal-3 of partner {HANDLE}              not_a_registrar
        second      alias.disputed         seal-2                                  recorded
        second      alias.attested         seal-3 of factory {LEI}                 recorded
    """,
    "a registrar makes nobody wait: what it attests advances no subject": f"""
        joined      factory lender
        governance  ledger.amended         - authorities=[registrar@lender]        recorded
        factory     party.aliased          factory claimed=[{LEI}]                 recorded
        lender      alias.attested         seal of factory {LEI} prev=none         recorded
        factory     party.aliased          factory claimed=[{BPN}]                 recorded
        lender      alias.disputed         seal                                    recorded
    """,
}
