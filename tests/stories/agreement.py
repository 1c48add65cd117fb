"""Agreements: the Dataspace Protocol's negotiation, who may say what when, and what the terms must be."""

STORIES = {
    "from request to finalized": """
        joined      factory partner
        factory     asset.registered       blades                                  recorded
        factory     offer.opened           deal of blades price=1250000EUR         recorded
        partner     agreement.requested    licence on deal price=1250000EUR        recorded
        so          licence                state=REQUESTED proposedBy=partner provider=factory
        factory     agreement.agreed       licence                                 recorded
        partner     agreement.verified     licence                                 recorded
        so          blades                 licences=0
        factory     agreement.finalized    licence                                 recorded
        so          licence                state=FINALIZED consumer=partner
        so          blades                 licences=1 holder=factory
        factory     agreement.terminated   licence                                 agreement_state_wrong
    """,
    "counter-offers until one is accepted": """
        joined      factory partner
        factory     asset.registered       blades                                  recorded
        factory     offer.opened           deal of blades price=9000EUR            recorded
        partner     agreement.requested    licence on deal price=5000EUR           recorded
        factory     agreement.offered      licence price=8000EUR                   recorded
        so          licence                state=OFFERED proposedBy=factory
        partner     agreement.requested    licence price=7000EUR                   recorded
        factory     agreement.offered      licence price=7500EUR                   recorded
        partner     agreement.accepted     licence                                 recorded
        factory     agreement.agreed       licence                                 recorded
        partner     agreement.verified     licence                                 recorded
        factory     agreement.finalized    licence                                 recorded
        so          blades                 licences=1
    """,
    "the provider may begin": """
        joined      factory partner second
        factory     asset.registered       blades                                  recorded
        factory     offer.opened           deal of blades to=[partner]             recorded
        second      agreement.offered      licence on deal to partner              offer_not_yours
        factory     agreement.offered      licence on deal to no-party             subject_unknown
        factory     agreement.offered      licence on deal to second               offer_not_for_you
        factory     agreement.offered      licence on deal to factory              self_dealing
        factory     agreement.offered      licence on deal to partner offer=no-offer  subject_unknown
        factory     agreement.offered      licence on deal to partner              recorded
        partner     agreement.accepted     licence                                 recorded
        factory     agreement.offered      licence                                 agreement_state_wrong
    """,
    "an offer is taken up by those it is made to, while it is open": """
        joined      factory partner second
        factory     asset.registered       blades                                  recorded
        factory     offer.opened           deal of blades to=[partner] validFrom=+1d validUntil=+3d  recorded
        factory     agreement.requested    licence on deal                         self_dealing
        second      agreement.requested    licence on deal                         offer_not_for_you
        partner     agreement.requested    licence on deal                         offer_not_yet
        tick        1 day
        partner     agreement.requested    licence on deal prev=stale              pin_stale
        partner     agreement.requested    licence on deal                         recorded
        tick        2 days
        partner     agreement.requested    another on deal                         recorded
        tick        1 second
        partner     agreement.requested    third on deal                           offer_expired
        # what was requested in time is negotiated on
        factory     agreement.agreed       another                                 recorded
    """,
    "a withdrawn offer ends what can be requested, not what is under negotiation": """
        joined      factory partner
        factory     asset.registered       blades                                  recorded
        factory     offer.opened           deal of blades                          recorded
        partner     agreement.requested    licence on deal                         recorded
        factory     offer.withdrawn        deal                                    recorded
        partner     agreement.requested    another on deal                         offer_withdrawn
        factory     agreement.offered      another on deal to partner              offer_withdrawn
        factory     agreement.offered      licence                                 recorded
        partner     agreement.accepted     licence                                 recorded
    """,
    "strangers stay out": """
        joined      factory partner second
        factory     asset.registered       blades                                  recorded
        factory     offer.opened           deal of blades                          recorded
        partner     agreement.requested    licence on deal                         recorded
        second      agreement.agreed       licence                                 agreement_not_yours
        second      agreement.terminated   licence                                 agreement_not_yours
        stranger    agreement.terminated   licence                                 party_unknown
        partner     agreement.agreed       licence                                 agreement_role_wrong
        factory     agreement.accepted     licence                                 agreement_role_wrong
        factory     agreement.verified     licence                                 agreement_role_wrong
    """,
    "nobody accepts their own proposal": """
        joined      factory partner
        factory     asset.registered       blades                                  recorded
        factory     offer.opened           deal of blades                          recorded
        partner     agreement.requested    licence on deal                         recorded
        partner     agreement.accepted     licence                                 offer_own
        factory     agreement.offered      licence                                 recorded
        factory     agreement.agreed       licence                                 offer_own
        partner     agreement.requested    licence prev=stale                      pin_stale
    """,
    "a proposal is answered in time or terminated": """
        joined      factory partner
        factory     asset.registered       blades                                  recorded
        factory     offer.opened           deal of blades                          recorded
        partner     agreement.requested    licence on deal validUntil=+0s          proposal_over
        partner     agreement.requested    licence on deal validUntil=+1d          recorded
        partner     agreement.requested    quick on deal validUntil=+1d            recorded
        tick        1 day
        factory     agreement.offered      licence validUntil=+0s                  proposal_over
        factory     agreement.agreed       quick                                   recorded
        tick        1 second
        factory     agreement.agreed       licence                                 agreement_expired
        factory     agreement.offered      licence                                 agreement_expired
        factory     agreement.terminated   licence                                 recorded
        # once agreed, no deadline stands in the way
        tick        10 days
        partner     agreement.verified     quick                                   recorded
        factory     agreement.finalized    quick                                   recorded
    """,
    "who has accepted is not bound for ever": """
        joined      factory partner
        factory     asset.registered       blades                                  recorded
        factory     offer.opened           deal of blades                          recorded
        factory     agreement.offered      licence on deal to partner validUntil=+1d  recorded
        partner     agreement.accepted     licence                                 recorded
        tick        2 days
        factory     agreement.agreed       licence                                 agreement_expired
        partner     agreement.terminated   licence                                 agreement_state_wrong
        factory     agreement.terminated   licence                                 recorded
        so          licence                state=TERMINATED code=nothing
    """,
    "terms are about exactly what was offered": """
        joined      factory partner
        factory     asset.registered       blades                                  recorded
        factory     asset.registered       gears                                   recorded
        factory     offer.opened           deal of blades                          recorded
        factory     offer.opened           other of gears                          recorded
        partner     agreement.requested    licence on deal offer=other             terms_assets_wrong
        partner     agreement.requested    licence on deal assets=[]               body_malformed
        partner     agreement.requested    licence on deal offer=no-offer          subject_unknown
        partner     agreement.requested    licence on deal                         recorded
        factory     agreement.offered      licence offer=other                     offer_other
        factory     agreement.offered      licence consumer=factory                consumer_other
        factory     agreement.agreed       licence                                 recorded
        partner     agreement.verified     licence                                 recorded
        factory     agreement.finalized    licence assets=[gears]                  terms_assets_wrong
        factory     agreement.finalized    licence assets=[blades,gears]           terms_assets_wrong
        factory     agreement.finalized    licence                                 recorded
        so          gears                  licences=0
    """,
    "both sides sign the terms that stand": """
        joined      factory partner
        factory     asset.registered       blades                                  recorded
        factory     offer.opened           deal of blades                          recorded
        factory     agreement.offered      licence on deal to partner price=5000EUR  recorded
        partner     agreement.accepted     licence digest=nobody                   terms_other
        partner     agreement.accepted     licence                                 recorded
        factory     agreement.agreed       licence price=6000EUR                   terms_other
        factory     agreement.agreed       licence policy=any-use                  terms_other
        factory     agreement.agreed       licence digest=nobody                   terms_other
        factory     agreement.agreed       licence                                 recorded
        partner     agreement.verified     licence digest=nobody                   terms_other
        partner     agreement.verified     licence                                 recorded
        factory     agreement.finalized    licence digest=nobody                   terms_other
        factory     agreement.finalized    licence                                 recorded
    """,
    "withheld prices are agreed on by digest": """
        joined      factory partner
        factory     asset.registered       blades                                  recorded
        factory     offer.opened           deal of blades price=9000EUR private=price  recorded
        partner     agreement.requested    licence on deal price=5000EUR private=terms.price  recorded
        factory     agreement.offered      licence price=7000EUR private=terms.price  recorded
        partner     agreement.accepted     licence                                 recorded
        # the price in the open is another spelling, and another value another price
        factory     agreement.agreed       licence private=[]                      terms_other
        factory     agreement.agreed       licence price=6000EUR                   terms_other
        factory     agreement.agreed       licence                                 recorded
        partner     agreement.verified     licence                                 recorded
        factory     agreement.finalized    licence                                 recorded
    """,
    "a proposal names a purpose where the data need one": """
        joined      factory partner
        factory     asset.registered       shifts personal=true                    recorded
        factory     offer.opened           rota of shifts                          recorded
        partner     agreement.requested    licence on rota policy=any-use          purpose_needed
        partner     agreement.requested    licence on rota                         recorded
        factory     agreement.offered      licence policy=any-use                  purpose_needed
    """,
    "what the data have become is looked at again": """
        joined      factory partner
        factory     asset.registered       blades                                  recorded
        factory     offer.opened           deal of blades policy=any-use           recorded
        partner     agreement.requested    early on deal policy=any-use            recorded
        partner     agreement.requested    late on deal policy=any-use             recorded
        factory     agreement.agreed       early                                   recorded
        partner     agreement.verified     early                                   recorded
        factory     asset.revised          blades personal=true                    recorded
        factory     agreement.agreed       late                                    purpose_needed
        factory     agreement.finalized    early                                   purpose_needed
        factory     asset.revised          blades personal=true classification=core  recorded
        partner     agreement.requested    third on deal                           asset_core
        factory     agreement.finalized    early                                   asset_core
        factory     agreement.terminated   early                                   recorded
    """,
    "an offer lapses when an asset changes hands, even if it comes back": """
        joined      factory partner second
        factory     asset.registered       blades                                  recorded
        factory     asset.registered       gears                                   recorded
        factory     offer.opened           deal of blades,gears                    recorded
        partner     agreement.requested    early on deal                           recorded
        partner     agreement.requested    late on deal                            recorded
        partner     agreement.requested    begun on deal                           recorded
        factory     agreement.agreed       early                                   recorded
        partner     agreement.verified     early                                   recorded
        factory     agreement.offered      begun                                   recorded
        factory     transfer.proposed      sale of blades to second                recorded
        second      transfer.accepted      sale                                    recorded
        partner     agreement.requested    third on deal                           offer_lapsed
        factory     agreement.agreed       late                                    offer_lapsed
        factory     agreement.finalized    early                                   offer_lapsed
        second      agreement.finalized    early                                   agreement_not_yours
        partner     agreement.requested    begun                                   offer_lapsed
        second      transfer.proposed      back of blades to factory               recorded
        factory     transfer.accepted      back                                    recorded
        so          blades                 holder=factory
        partner     agreement.requested    third on deal                           offer_lapsed
        factory     agreement.agreed       late                                    offer_lapsed
        factory     agreement.terminated   early                                   recorded
    """,
    "nothing is agreed on what is retired": """
        joined      factory partner
        factory     asset.registered       blades                                  recorded
        factory     offer.opened           deal of blades                          recorded
        partner     agreement.requested    licence on deal                         recorded
        factory     asset.retired          blades                                  recorded
        partner     agreement.requested    another on deal                         asset_retired
        factory     agreement.agreed       licence                                 asset_retired
        partner     agreement.terminated   licence                                 recorded
    """,
    "a licence of several assets counts on each": """
        joined      factory partner second
        factory     asset.registered       blades                                  recorded
        factory     asset.registered       gears                                   recorded
        factory     offer.opened           deal of blades,gears                    recorded
        partner     agreement.requested    licence on deal                         recorded
        factory     agreement.agreed       licence                                 recorded
        partner     agreement.verified     licence                                 recorded
        factory     agreement.finalized    licence assets=[gears,blades]           terms_assets_wrong
        factory     agreement.finalized    licence                                 recorded
        so          blades                 licences=1
        so          gears                  licences=1
        # the count is written beside the owner's acts: it does not put itself between them
        factory     asset.revised          blades line-5                           recorded
    """,
    "a revision after the offer changes nothing in what was offered": """
        joined      factory partner
        factory     asset.registered       blades                                  recorded
        factory     offer.opened           deal of blades                          recorded
        factory     asset.revised          blades line-5                           recorded
        partner     agreement.requested    licence on deal                         recorded
        factory     agreement.agreed       licence                                 recorded
    """,
}
