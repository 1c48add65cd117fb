"""Delegations: what others may do for a party, how far, and how it ends."""

STORIES = {
    "a machine acts for its owner, within its kinds, until it is revoked": """
        joined      factory
        factory     party.delegated        mandate to machine kinds=[asset.*]      recorded
        machine     asset.registered       blades via=mandate                      recorded
        so          blades                 holder=factory
        machine     asset.registered       gears                                   party_unknown
        stranger    asset.registered       gears via=mandate                       key_not_of_delegate
        machine     offer.opened           deal of blades via=mandate              kind_not_delegated
        factory     delegation.revoked     mandate                                 recorded
        machine     asset.registered       gears via=mandate                       delegation_revoked
        factory     delegation.revoked     mandate                                 delegation_over_already
        so          mandate                status=revoked
    """,
    "whose act it is, only who gave it can say": """
        joined      factory partner
        factory     party.delegated        mandate to machine                      recorded
        machine     asset.registered       blades via=mandate iss=did-of-partner   delegation_of_another
        machine     asset.registered       blades via=nobody iss=did-of-factory    delegation_unknown
        machine     asset.registered       blades via=mandate iss=did-of-machine   party_unknown
        partner     asset.registered       blades via=mandate                      key_not_of_delegate
        factory     asset.registered       blades via=mandate                      key_not_of_delegate
    """,
    "what is somebody's own to say is nobody's to say for them": """
        joined      factory partner
        factory     party.delegated        mandate to machine kinds=[*]            recorded
        machine     party.left             factory via=mandate                     act_personal
        machine     party.succeeded        factory to spare via=mandate            act_personal
        machine     recovery.arranged      factory by partner via=mandate          act_personal
        factory     party.delegated        other to machine kinds=[party.left]     kind_unknown_here
    """,
    "it is given to somebody who can act, for something that there is, for a time to come": """
        joined      factory
        factory     party.delegated        mandate to did:web:acme.example         delegate_unusable
        factory     party.delegated        mandate to hosted-elsewhere             delegate_unusable
        factory     party.delegated        mandate to factory                      delegation_to_itself
        factory     party.delegated        mandate to machine kinds=[mill.turned]  kind_unknown_here
        factory     party.delegated        mandate to machine kinds=[mill.*]       kind_unknown_here
        factory     party.delegated        mandate to machine until=-1s            delegation_ends_early
        factory     party.delegated        mandate to machine since=+2d until=+1d  delegation_ends_early
        factory     party.delegated        mandate to machine since=+1d until=+2d  recorded
        machine     asset.registered       blades via=mandate                      delegation_not_yet
        tick 1 day
        machine     asset.registered       blades via=mandate                      recorded
        tick 1 day
        machine     asset.registered       gears via=mandate                       recorded
        tick 1 second
        machine     asset.registered       wheels via=mandate                      delegation_over
        machine     delegation.revoked     mandate via=mandate                     delegation_over
    """,
    "it may be bound to subjects": """
        joined      factory
        factory     asset.registered       blades                                  recorded
        factory     asset.registered       gears                                   recorded
        factory     party.delegated        mandate to machine subjects=[blades]    recorded
        machine     asset.revised          blades with-lines via=mandate           recorded
        machine     asset.revised          gears with-lines via=mandate            subject_not_delegated
        machine     asset.registered       wheels via=mandate                      subject_not_delegated
        machine     offer.opened           deal of blades,gears via=mandate        subject_not_delegated
        machine     offer.opened           deal of blades via=mandate              recorded
        factory     offer.opened           other of gears                          recorded
        joined      partner
        partner     agreement.requested    licence on deal price=9EUR              recorded
        partner     agreement.requested    another on other price=9EUR             recorded
        machine     agreement.offered      licence price=10EUR via=mandate         recorded
        machine     agreement.offered      another price=10EUR via=mandate         subject_not_delegated
        machine     offer.withdrawn        other via=mandate                       subject_not_delegated
        machine     offer.withdrawn        deal via=mandate                        recorded
        factory     party.delegated        dealing to agent subjects=[partner]     recorded
        partner     agreement.requested    licence price=10EUR                     recorded
        agent       agreement.offered      licence price=11EUR via=dealing         recorded
        agent       asset.revised          blades with-lines via=dealing           subject_not_delegated
        joined      second
        factory     offer.opened           deal-2 of gears                         recorded
        second      agreement.requested    third on deal-2 price=9EUR              recorded
        agent       agreement.offered      third price=10EUR via=dealing           subject_not_delegated
    """,
    "it may be bound to amounts, those that are accepted as well as those that are stated": """
        joined      factory partner
        factory     asset.registered       blades                                  recorded
        factory     offer.opened           deal of blades                          recorded
        partner     party.delegated        mandate to agent amounts=[100EUR,50CNY]  recorded
        agent       agreement.requested    licence on deal price=101EUR via=mandate  amount_not_delegated
        agent       agreement.requested    licence on deal price=51CNY via=mandate  amount_not_delegated
        agent       agreement.requested    licence on deal price=1USD via=mandate  amount_not_delegated
        agent       agreement.requested    licence on deal price=100EUR private=[terms.price] via=mandate  amount_unseen
        agent       agreement.requested    licence on deal price=1EUR policy=with-payment via=mandate  amount_unseen
        partner     agreement.requested    paid on deal price=1EUR policy=with-payment     recorded
        factory     agreement.offered      paid price=1EUR policy=with-payment             recorded
        agent       agreement.accepted     paid via=mandate                        amount_unseen
        agent       agreement.requested    licence on deal price=100EUR via=mandate  recorded
        factory     agreement.offered      licence price=900EUR                    recorded
        agent       agreement.accepted     licence via=mandate                     amount_not_delegated
        partner     agreement.requested    licence price=90EUR                     recorded
        factory     agreement.offered      licence price=95EUR                     recorded
        agent       agreement.accepted     licence via=mandate                     recorded
        factory     transfer.proposed      sale of blades to partner price=900EUR  recorded
        agent       transfer.accepted      sale via=mandate                        amount_not_delegated
    """,
    "what is given on can narrow and never widen": """
        joined      factory
        factory     party.delegated        mandate to machine kinds=[asset.*] depth=1 until=+2d  recorded
        machine     party.delegated        further to agent kinds=[*] depth=1 via=mandate  delegation_too_deep
        machine     party.delegated        further to agent kinds=[*] until=+9d via=mandate  recorded
        agent       asset.registered       blades via=further                      recorded
        agent       asset.registered       gears via=mandate                       key_not_of_delegate
        agent       offer.opened           deal of blades via=further              kind_not_delegated
        agent       party.delegated        again to thief via=further              delegation_too_deep
        tick 3 days
        agent       asset.registered       wheels via=further                      delegation_over
    """,
    "a chain has at most four, and breaks with any of them": """
        joined      factory
        factory     party.delegated        one to employee depth=3                 recorded
        employee    party.delegated        two to machine depth=2 via=one          recorded
        machine     party.delegated        three to agent depth=1 via=two          recorded
        agent       party.delegated        four to spare via=three                 recorded
        spare       party.delegated        five to thief via=four                  delegation_too_deep
        factory     party.delegated        one to employee depth=4                 body_malformed
        spare       asset.registered       blades via=four                         recorded
        agent       delegation.revoked     two via=three                           revoker_not_above
        machine     delegation.revoked     two via=two                             recorded
        spare       asset.registered       gears via=four                          delegation_revoked
        agent       asset.registered       gears via=three                         delegation_revoked
        employee    asset.registered       gears via=one                           recorded
        agent       delegation.revoked     four via=three                          delegation_revoked
    """,
    "who gave it, or gave it on, takes it back; no others do": """
        joined      factory partner
        factory     party.delegated        mandate to machine depth=1              recorded
        factory     party.delegated        other to employee                       recorded
        machine     party.delegated        further to agent via=mandate            recorded
        partner     delegation.revoked     mandate                                 revoker_not_above
        employee    delegation.revoked     mandate via=other                       revoker_not_above
        agent       delegation.revoked     mandate via=further                     revoker_not_above
        machine     delegation.revoked     other via=mandate                       revoker_not_above
        machine     delegation.revoked     further via=mandate reason=compromised since=9  compromise_misdated
        machine     delegation.revoked     further via=mandate reason=compromised since=4  compromise_misdated
        machine     delegation.revoked     further via=mandate since=5             reason_unfit
        machine     delegation.revoked     further via=mandate reason=compromised since=5  recorded
        so          further                status=revoked compromised=5
        factory     delegation.revoked     mandate reason=compromised              recorded
        so          mandate                compromised=7
        employee    delegation.revoked     other via=other                         recorded
    """,
    "a device is enrolled, and revoked": """
        joined      factory
        factory     party.delegated        fleet to employee kinds=[asset.registered] depth=1  recorded
        employee    party.delegated        mandate to machine kinds=[asset.registered] via=fleet  recorded
        machine     asset.registered       blades via=mandate                      recorded
        employee    delegation.revoked     mandate reason=compromised via=fleet    recorded
        machine     asset.registered       gears via=mandate                       delegation_revoked
        so          blades                 holder=factory
    """,
    "an employee leaves: all that went through them ends": """
        joined      factory
        factory     party.delegated        clerk to employee depth=1               recorded
        employee    asset.registered       blades via=clerk                        recorded
        employee    party.delegated        script to agent via=clerk               recorded
        agent       asset.revised          blades with-lines via=script            recorded
        factory     delegation.revoked     clerk                                   recorded
        employee    asset.registered       gears via=clerk                         delegation_revoked
        agent       asset.registered       gears via=script                        delegation_revoked
        factory     asset.revised          blades with-more-lines                  recorded
        so          blades                 holder=factory versions=3
    """,
    "a delegate's own keys change under it, and its DID stays": """
        joined      factory
        works       party.joined           - hosted=works                          recorded
        factory     party.delegated        mandate to works                        recorded
        works       asset.registered       blades via=mandate                      recorded
        works       party.rotated          works keys=[works-2] compromised=[works/4]  recorded
        works       asset.registered       gears via=mandate key=works             key_compromised
        works       asset.registered       gears via=mandate                       recorded
        so          gears                  holder=factory
    """,
    "a delegate that joins and passes to another DID is no delegate by the old one": """
        joined      factory
        factory     party.delegated        mandate to machine                      recorded
        machine     party.joined           - nature=device                         recorded
        machine     asset.registered       blades via=mandate                      recorded
        machine     party.succeeded        machine to spare                        recorded
        machine     asset.registered       gears via=mandate                       did_succeeded
        spare       asset.registered       gears via=mandate                       key_not_of_delegate
    """,
    "what a thief gave his friends ends with the key he had, and what it gave before does not": """
        factory     party.joined           - hosted=factory keys=[factory,desk]    recorded
        factory     party.delegated        mandate to machine key=desk             recorded
        factory     party.delegated        theirs to thief key=desk depth=3        recorded
        thief       party.delegated        deeper to stranger via=theirs           recorded
        thief       asset.registered       fake via=theirs                         recorded
        factory     party.rotated          factory keys=[factory] compromised=[desk/3]  recorded
        thief       asset.registered       more via=theirs                         delegation_doubtful
        stranger    asset.registered       more via=deeper                         delegation_doubtful
        machine     asset.registered       blades via=mandate                      recorded
    """,
}
