"""What holds for every act, whatever its kind: order, audience, dates, signer, pins, what the signer has seen."""

STORIES = {
    "nothing comes before the charter": """
        founding
        factory     party.joined           -                                       ledger_not_open
        governance  ledger.opened          -                                       recorded
        factory     party.joined           -                                       recorded
        governance  ledger.opened          -                                       ledger_open_already
    """,
    "a statement for another ledger is refused": """
        factory     party.joined           - aud=cast.example/ledger               audience_wrong
        factory     party.joined           - aud=cast.example/other                audience_wrong
        factory     party.joined           -                                       recorded
    """,
    "an act is admitted between iat, less a minute, and exp": """
        joined      factory
        factory     asset.registered       blades iat=+61s                         act_not_yet_valid
        factory     asset.registered       blades iat=+60s                         recorded
        factory     asset.registered       gears iat=-1h exp=-1s                   act_expired
        factory     asset.registered       gears iat=-1h exp=+0s                   recorded
    """,
    "the charter caps how long an act is valid": """
        joined      factory
        factory     asset.registered       blades exp=+8d                          act_valid_too_long
        factory     asset.registered       blades exp=+7d                          recorded
    """,
    "who signs is who speaks": """
        joined      factory partner
        stranger    asset.registered       blades                                  party_unknown
        factory     asset.registered       blades key=partner                      key_not_of_issuer
        factory     asset.registered       blades via=nobody                       delegation_unknown
        factory     party.joined           -                                       party_known
        factory     ledger.amended         - readers=members                       signer_not_governance
    """,
    "pins fix the order": """
        joined      factory
        factory     asset.registered       blades                                  recorded
        factory     asset.revised          blades with-lines prev=stale            pin_stale
        factory     asset.revised          blades with-lines prev=none             pins_not_fitting
        factory     asset.revised          blades with-lines                       recorded
        factory     asset.retired          no-asset                                subject_unknown
        factory     offer.opened           deal of no-asset no-version             subject_unknown
    """,
    "a signer who has seen another history says so": """
        joined      factory
        factory     asset.registered       blades seen=ahead                       seen_ahead
        factory     asset.registered       blades seen=forked                      seen_forked
        factory     asset.registered       blades seen=right                       recorded
    """,
    "a kind holds from its rules version on": """
        joined      factory
        since       asset.registered 2
        software    2
        factory     asset.registered       blades                                  kind_not_yet
        governance  ledger.amended         - rules=2                               recorded
        factory     asset.registered       blades                                  recorded
    """,
    "sub fits the kind": """
        joined      factory
        factory     asset.registered       blades                                  recorded
        factory     asset.registered       gears sub=blades                        subject_not_fitting
        factory     asset.retired          blades sub=nothing                      subject_not_fitting
        factory     offer.withdrawn        blades                                  subject_not_fitting
    """,
}
