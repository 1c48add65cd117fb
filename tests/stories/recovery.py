"""Recoveries: what trustees can do for a party whose keys are lost or stolen, and what nobody can do."""

STORIES = {
    "a key is lost and the party is recovered": """
        joined      factory partner second lender
        factory     asset.registered       blades                                  recorded
        partner     recovery.opened        rescue of factory to spare              recovery_not_arranged
        factory     recovery.arranged      factory by partner,second,lender threshold=2  recorded
        partner     recovery.opened        rescue of factory to spare              recovery_not_arranged
        tick 7 days
        stranger    recovery.opened        rescue of factory to spare              party_unknown
        factory     recovery.opened        rescue of factory to spare              not_a_trustee
        partner     recovery.opened        rescue of factory to second             did_taken
        partner     recovery.opened        rescue of factory to spare consent=stranger  consent_missing
        partner     recovery.opened        rescue of factory to spare              recorded
        so          rescue                 status=open party=factory supporters=[partner] due=nothing
        partner     recovery.supported     rescue                                  recovery_supported_already
        factory     recovery.supported     rescue                                  not_a_trustee
        spare       recovery.completed     rescue                                  recovery_waits
        second      recovery.supported     rescue                                  recorded
        so          rescue                 due=+7d
        tick 6 days
        spare       recovery.completed     rescue                                  recovery_waits
        tick 1 day
        stranger    recovery.completed     rescue                                  recovery_of_another
        spare       recovery.completed     rescue party=partner                    recovery_of_another
        spare       recovery.completed     rescue                                  recorded
        so          rescue                 status=completed
        spare       recovery.completed     rescue                                  party_known
        lender      recovery.supported     rescue                                  recovery_over
        factory     asset.revised          blades with-lines                       did_succeeded
        spare       asset.revised          blades with-lines                       recorded
        so          blades                 holder=factory
    """,
    "everything is stolen, the attacker rotates first and objects: the trustees mean it": """
        joined      partner second lender
        factory     party.joined           - hosted=factory portable=true          recorded
        factory     asset.registered       blades                                  recorded
        factory     recovery.arranged      factory by partner,second,lender threshold=2  recorded
        tick 7 days
        factory     party.rotated          factory keys=[thief] heir=thief compromised=[factory/6]  recorded
        factory     asset.revised          blades stolen                           recorded
        factory     recovery.arranged      factory by lender                       recorded
        partner     recovery.opened        rescue of factory to spare              recorded
        second      recovery.supported     rescue                                  recorded
        factory     recovery.contested     rescue                                  recorded
        so          rescue                 status=contested supporters=[] due=nothing
        factory     party.rotated          factory keys=[thief-2] host=thief.example  recorded
        partner     recovery.supported     rescue                                  recorded
        tick 7 days
        spare       recovery.completed     rescue                                  recovery_waits
        second      recovery.supported     rescue                                  recorded
        factory     recovery.contested     rescue                                  recovery_contested_already
        lender      recovery.opened        theirs of factory to thief              recorded
        tick 7 days
        spare       recovery.completed     rescue compromised=[thief/7,thief-2/13]  recorded
        thief       recovery.completed     theirs                                  recovery_outrun
        factory     asset.revised          blades again                            key_compromised
        spare       asset.revised          blades ours-again                       recorded
        so          factory                status=active
        lender      recovery.opened        theirs of factory to stranger           recorded
        stranger    recovery.completed     theirs                                  recovery_waits
    """,
    "the keys were not lost: the party objects, and the trustees let it be": """
        joined      factory partner second
        factory     recovery.arranged      factory by partner,second threshold=2   recorded
        tick 7 days
        partner     recovery.opened        rescue of factory to spare              recorded
        stranger    recovery.contested     rescue                                  party_unknown
        second      recovery.contested     rescue                                  recovery_not_supported
        second      recovery.supported     rescue                                  recorded
        second      recovery.contested     rescue                                  recorded
        so          rescue                 supporters=[partner] due=nothing
        factory     recovery.contested     rescue                                  recorded
        spare       recovery.completed     rescue                                  recovery_waits
        tick 37 days
        partner     recovery.supported     rescue                                  recorded
        second      recovery.supported     rescue                                  recorded
        tick 1 second
        spare       recovery.completed     rescue                                  recovery_over
        factory     recovery.contested     rescue                                  recovery_over
        factory     asset.registered       blades                                  recorded
    """,
    "who is no trustee any more cannot come back to an old recovery": """
        joined      factory partner second
        factory     recovery.arranged      factory by partner                      recorded
        tick 7 days
        partner     recovery.opened        rescue of factory to thief              recorded
        factory     recovery.contested     rescue                                  recorded
        factory     recovery.arranged      factory by second                       recorded
        tick 38 days
        partner     recovery.supported     rescue                                  recovery_over
        partner     recovery.opened        again of factory to thief               not_a_trustee
        second      recovery.opened        again of factory to spare               recorded
    """,
    "trustees are other parties, each once, and there": """
        joined      factory partner second
        factory     recovery.arranged      factory by factory                      trustees_unfit
        factory     recovery.arranged      factory by partner,partner              trustees_unfit
        factory     recovery.arranged      factory by partner threshold=2          threshold_unfit
        factory     recovery.arranged      factory by no-party                     subject_unknown
        partner     recovery.arranged      factory by partner                      party_of_another
        partner     party.left             partner                                 recorded
        factory     recovery.arranged      factory by partner                      trustees_unfit
        factory     recovery.arranged      factory by second wait=59               body_malformed
        factory     recovery.arranged      factory by second wait=60               recorded
        second      recovery.opened        rescue of factory to spare              recovery_not_arranged
        second      party.left             second                                  recorded
        tick 7 days
        second      recovery.opened        rescue of factory to spare              party_left
        factory     recovery.arranged      factory by nobody                       recorded
        tick 1 minute
        factory     asset.registered       blades                                  recorded
    """,
    "a thief of one key cannot name trustees before it is seen": """
        joined      partner stranger
        factory     party.joined           - hosted=factory keys=[factory,desk]    recorded
        factory     recovery.arranged      factory by stranger wait=60 key=desk    recorded
        tick 6 days
        stranger    recovery.opened        rescue of factory to thief              recovery_not_arranged
        factory     party.rotated          factory keys=[factory] compromised=[desk/4]  recorded
        tick 2 days
        stranger    recovery.opened        rescue of factory to thief              recovery_not_arranged
    """,
    "trustees taken back are trustees until the wait is over": """
        joined      factory partner
        factory     recovery.arranged      factory by partner                      recorded
        tick 7 days
        factory     recovery.arranged      factory by nobody                       recorded
        tick 6 days
        partner     recovery.opened        rescue of factory to spare              recorded
        tick 1 day
        partner     recovery.opened        other of factory to thief               recovery_not_arranged
        factory     recovery.arranged      factory by partner wait=60              recorded
        tick 6 days
        partner     recovery.opened        other of factory to thief               recovery_not_arranged
        tick 1 day
        partner     recovery.opened        other of factory to thief               recorded
    """,
    "a thief cannot spoil the key that is to take over": """
        joined      partner
        factory     party.joined           - hosted=factory                        recorded
        factory     recovery.arranged      factory by partner                      recorded
        tick 7 days
        factory     party.rotated          factory keys=[thief] heir=thief         recorded
        partner     recovery.opened        rescue of factory to spare              recorded
        factory     party.rotated          factory keys=[thief,spare]              recorded
        factory     party.rotated          factory keys=[thief-2] compromised=[spare/6]  recorded
        tick 7 days
        spare       recovery.completed     rescue compromised=[spare/6]            key_compromised
        spare       recovery.completed     rescue compromised=[thief/4]            recorded
        spare       asset.registered       blades                                  recorded
    """,
    "a party is recovered to another did:webvh, at a place of its own or elsewhere": """
        governance  ledger.amended         - didHost=registry.example              recorded
        joined      partner
        factory     party.joined           - hosted=factory                        recorded
        factory     recovery.arranged      factory by partner                      recorded
        tick 7 days
        partner     recovery.opened        rescue of factory to spare hosted=spare  place_not_held
        partner     recovery.opened        rescue of factory to spare hosted=factory  recorded
        second      party.joined           - hosted=factory                        place_taken
        tick 7 days
        spare       recovery.completed     rescue hosted=factory key=stranger      key_not_of_issuer
        spare       recovery.completed     rescue hosted=factory                   recorded
        spare       asset.registered       blades                                  recorded
        so          blades                 holder=factory
        spare       party.rotated          spare keys=[spare-2]                    recorded
    """,
    "the DID that is to take over joins by itself meanwhile: it is its own party": """
        joined      factory partner
        factory     recovery.arranged      factory by partner                      recorded
        tick 7 days
        partner     recovery.opened        rescue of factory to spare              recorded
        spare       party.joined           -                                       recorded
        tick 7 days
        spare       recovery.completed     rescue                                  party_known
    """,
    "a thief who leaves with the party does not take it along": """
        joined      factory partner
        factory     asset.registered       blades                                  recorded
        factory     recovery.arranged      factory by partner                      recorded
        tick 7 days
        factory     party.left             factory                                 recorded
        partner     recovery.opened        rescue of factory to spare              recorded
        factory     recovery.contested     rescue                                  party_left
        tick 7 days
        spare       recovery.completed     rescue compromised=[factory/5]          recorded
        so          factory                status=active
        spare       asset.revised          blades with-lines                       recorded
    """,
}
