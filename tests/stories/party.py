"""Parties: who may join, under which roles, with names in the open or withheld; and what comes to speak for them."""

HOSTED = """
        governance  ledger.amended         - didHost=registry.example              recorded
"""

MOVES = "\n".join(
    f"        factory     party.rotated          factory host=host{number}.example               recorded"
    for number in range(1, 64)
)

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
    "an organisation joins under a did:webvh, by its log": """
        factory     party.joined           - hosted=factory log=none               did_log_needed
        factory     party.joined           - hosted=factory log=broken             did_log_refused
        factory     party.joined           - hosted=factory log=another            did_log_of_another
        factory     party.joined           - log=another                           did_log_unwanted
        factory     party.joined           - hosted=factory key=stranger           key_not_of_issuer
        factory     party.joined           - hosted=factory keys=[]                signing_keys_missing
        factory     party.joined           - hosted=factory keys=many              keys_too_many
        factory     party.joined           - hosted=factory                        recorded
        factory     asset.registered       blades                                  recorded
        factory     asset.registered       gears key=stranger                      key_not_of_issuer
    """,
    "keys that were replaced speak no more, from the entry of their replacement on": """
        factory     party.joined           - hosted=factory                        recorded
        factory     asset.registered       blades                                  recorded
        factory     asset.registered       gears key=factory-2                     key_not_of_issuer
        factory     party.rotated          factory keys=[factory-2]                recorded
        factory     asset.registered       gears key=factory                       key_retired
        factory     asset.registered       gears key=factory-2                     recorded
        factory     party.rotated          factory keys=[factory-2,factory-3]      recorded
        factory     asset.registered       gears key=factory-2                     recorded
        factory     asset.registered       gears key=factory-3                     recorded
        factory     party.rotated          factory keys=[factory] key=factory-2    recorded
        factory     asset.registered       gears key=factory                       recorded
        factory     asset.registered       gears key=factory-2                     key_retired
    """,
    "an old agreement stands after three rotations and a move": """
        joined      partner
        factory     party.joined           - hosted=factory portable=true          recorded
        factory     asset.registered       blades                                  recorded
        factory     offer.opened           deal of blades                          recorded
        partner     agreement.requested    licence on deal                         recorded
        factory     agreement.agreed       licence                                 recorded
        partner     agreement.verified     licence                                 recorded
        factory     agreement.finalized    licence                                 recorded
        factory     party.rotated          factory keys=[factory-2]                recorded
        tick 1 day
        factory     party.rotated          factory keys=[factory-3]                recorded
        tick 1 day
        factory     party.rotated          factory keys=[factory-4] host=data.example  recorded
        so          licence                state=FINALIZED provider=factory
        factory     asset.revised          blades with-lines                       recorded
        factory     agreement.terminated   licence key=factory-3                   key_retired
        so          blades                 holder=factory licences=1
    """,
    "a log grows no longer than resolvers read": """
        most speaker.LOG_BYTES_MAX 4000
        factory     party.joined           - hosted=factory                        recorded
        factory     party.rotated          factory keys=[factory-2]                recorded
        factory     party.rotated          factory keys=[factory-3]                did_log_too_long
    """,
    "what an act makes the ledger verify is bounded": """
        most speaker.PROOFS_MAX 0
        factory     party.joined           - hosted=factory                        did_proofs_too_many
        most speaker.PROOFS_MAX 1
        factory     party.joined           - hosted=factory                        recorded
    """,
    "a key is lost: the log goes on by the key that was announced, and one that it names signs": """
        factory     party.joined           - hosted=factory                        recorded
        factory     asset.registered       blades                                  recorded
        factory     party.rotated          factory keys=[factory-2] key=stranger   key_not_of_issuer
        factory     party.rotated          factory keys=[factory-2] key=factory-2  recorded
        factory     asset.revised          blades with-lines                       recorded
    """,
    "a signing key is stolen, which cannot go on with the log: it is replaced, and doubted since": """
        factory     party.joined           - hosted=factory keys=[factory,desk]    recorded
        factory     asset.registered       blades key=desk                         recorded
        factory     asset.registered       fake key=desk                           recorded
        factory     party.rotated          factory keys=[thief] key=desk log=broken  did_log_refused
        factory     party.rotated          factory keys=[factory] compromised=[thief/3]   key_not_known_here
        factory     party.rotated          factory keys=[factory] compromised=[desk/0]    compromise_misdated
        factory     party.rotated          factory keys=[factory] compromised=[desk/9]    compromise_misdated
        factory     party.rotated          factory keys=[factory,desk] compromised=[desk/3]  key_compromised
        factory     party.rotated          factory keys=[factory] compromised=[desk/3]    recorded
        factory     asset.registered       fake key=desk                           key_compromised
        factory     asset.registered       gears                                   recorded
        factory     party.rotated          factory keys=[factory,desk]             key_compromised
    """,
    "whoever has one key cannot outrun its replacement: it pins nothing": """
        joined      partner
        factory     party.joined           - hosted=factory keys=[factory,desk]    recorded
        factory     recovery.arranged      factory by partner key=desk             recorded
        factory     party.rotated          factory keys=[factory] prev=none        recorded
        factory     recovery.arranged      factory by partner prev=stale           pin_stale
    """,
    "a thief who leaves in the party's name has not left for it": """
        factory     party.joined           - hosted=factory keys=[factory,desk]    recorded
        factory     party.left             factory key=desk                        recorded
        factory     asset.registered       blades                                  party_left
        factory     party.rotated          factory keys=[factory]                  party_left
        factory     party.rotated          factory keys=[factory] compromised=[desk/3]  party_left
        factory     party.rotated          factory keys=[factory] compromised=[desk/2]  recorded
        factory     asset.registered       blades                                  recorded
        so          factory                status=active leaving=nothing
        factory     party.left             factory                                 recorded
        factory     party.rotated          factory keys=[factory-2] compromised=[desk/1]  party_left
    """,
    "a log goes on for its own party alone": """
        joined      partner
        factory     party.joined           - hosted=factory                        recorded
        partner     party.rotated          factory keys=[factory-2]                party_of_another
        partner     party.rotated          partner                                 log_absent
        factory     party.rotated          factory keys=[]                         signing_keys_missing
        factory     party.rotated          factory keys=many                       keys_too_many
        factory     party.rotated          factory deactivated=true                did_ended
        factory     party.rotated          factory keys=[factory-2] iss=did-of-factory key=factory  key_not_of_issuer
        factory     party.succeeded        factory to spare                        log_goes_on
    """,
    "an organisation moves host, if its log is portable": """
        factory     party.joined           - hosted=factory portable=true          recorded
        factory     asset.registered       blades                                  recorded
        factory     party.rotated          factory host=data.example               recorded
        factory     asset.revised          blades with-lines                       recorded
        so          blades                 holder=factory
        factory     asset.registered       gears iss=did-of-factory key=factory    key_not_of_issuer
    """,
    "names under the ledger's host are had once, and for good": f"""
        {HOSTED}
        factory     party.joined           - hosted=acme portable=true             recorded
        partner     party.joined           - hosted=acme                           place_taken
        partner     party.joined           - hosted=Acme                           place_malformed
        partner     party.joined           - hosted=acme path=acme                 place_malformed
        partner     party.joined           - hosted=acme path=org:acme:data        place_malformed
        partner     party.joined           - hosted=acme host=REGISTRY.example     place_taken
        partner     party.joined           - hosted=acme host=registry.example%3A443  place_taken
        stranger    party.joined           - hosted=acme host=elsewhere.example    recorded
        factory     party.rotated          factory host=data.example               recorded
        second      party.joined           - hosted=acme                           place_taken
    """,
    "a party passes from a did:key to another DID, which consents": """
        joined      factory partner
        factory     asset.registered       blades                                  recorded
        factory     party.succeeded        factory to spare consent=stranger       consent_missing
        factory     party.succeeded        factory to did:web:acme.example         did_unusable
        factory     party.succeeded        factory to did:key:z6MkAcme             did_unusable
        factory     party.succeeded        factory to partner                      did_taken
        factory     party.succeeded        factory to factory                      did_taken
        factory     party.succeeded        factory to spare log=another            did_log_unwanted
        partner     party.succeeded        factory to spare                        party_of_another
        factory     party.succeeded        factory to spare compromised=[factory/3]  recorded
        factory     asset.revised          blades with-lines                       key_compromised
        spare       asset.revised          blades with-lines                       recorded
        spare       party.joined           -                                       party_known
        so          blades                 holder=factory
        spare       party.succeeded        factory to factory                      did_taken
    """,
    "a party passes from a did:key to a did:webvh, and keeps what it has": """
        joined      mill
        mill        asset.registered       rolls                                   recorded
        mill        party.succeeded        mill to mill hosted=mill log=none       did_log_needed
        mill        party.succeeded        mill to mill hosted=mill consent=stranger  consent_missing
        mill        party.succeeded        mill to mill hosted=mill compromised=[mill/9]  compromise_misdated
        mill        party.succeeded        mill to mill hosted=mill keys=[mill-2]  recorded
        mill        asset.registered       more iss=did-of-mill key=mill           key_not_of_issuer
        mill        asset.revised          rolls with-lines                        recorded
        mill        party.rotated          mill keys=[mill-3]                      recorded
        mill        asset.revised          rolls with-lines-again                  recorded
        so          rolls                  holder=mill
    """,
    "a party does not wander for ever": f"""
        factory     party.joined           - hosted=factory portable=true          recorded
{MOVES}
        factory     party.rotated          factory host=last.example               dids_too_many
        factory     party.rotated          factory keys=[factory-2]                recorded
    """,
    "whoever leaves acts no more, nor under what others gave": """
        joined      factory partner employee
        factory     party.delegated        mandate to employee                     recorded
        employee    asset.registered       blades via=mandate                      recorded
        partner     party.left             factory                                 party_of_another
        employee    party.left             employee                                recorded
        so          employee               status=left
        employee    party.left             employee                                party_left
        employee    asset.registered       gears                                   party_left
        employee    asset.registered       gears via=mandate                       party_left
        employee    party.joined           -                                       party_known
        factory     asset.revised          blades with-lines                       recorded
    """,
}
