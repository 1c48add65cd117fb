"""Offers: made on assets as the holder saw them, to all or to named parties, and over when an asset changes hands."""

STORIES = {
    "only the holder offers, and only what is in circulation": """
        joined      factory partner
        factory     asset.registered       blades                                  recorded
        factory     asset.registered       gears                                   recorded
        partner     offer.opened           deal of blades                          asset_not_yours
        factory     offer.opened           deal of blades,gears                    recorded
        so          deal                   holder=factory status=open to=all
        factory     offer.opened           other of blades gears@1                 version_not_of_asset
        factory     offer.opened           other of blades no-version              subject_unknown
        factory     asset.retired          gears                                   recorded
        factory     offer.opened           other of gears                          asset_retired
        factory     offer.opened           other of blades,blades                  body_malformed
        factory     offer.opened           other of no-asset blades@1              subject_unknown
    """,
    "an older version may be offered": """
        joined      factory
        factory     asset.registered       blades                                  recorded
        factory     asset.revised          blades line-5                           recorded
        factory     offer.opened           old of blades blades@1                  recorded
        factory     offer.opened           new of blades blades@2                  recorded
    """,
    "an offer names parties that exist, and never its holder": """
        joined      factory partner
        factory     asset.registered       blades                                  recorded
        factory     offer.opened           deal of blades to=[factory]             self_dealing
        factory     offer.opened           deal of blades to=[factory,partner]     self_dealing
        factory     offer.opened           deal of blades to=[no-party]            subject_unknown
        factory     offer.opened           deal of blades to=[partner,partner]     body_malformed
        factory     offer.opened           deal of blades to=[]                    body_malformed
        factory     offer.opened           deal of blades to=[partner]             recorded
    """,
    "an offer lies in the future": """
        joined      factory
        factory     asset.registered       blades                                  recorded
        factory     offer.opened           deal of blades validUntil=+0s           offer_over
        factory     offer.opened           deal of blades validUntil=+1s           recorded
        factory     offer.opened           later of blades validFrom=+30d          body_malformed
        factory     offer.opened           later of blades validFrom=+29d          recorded
    """,
    "core data never circulate, important and personal data only for a purpose": """
        joined      factory
        factory     asset.registered       secret classification=core              recorded
        factory     offer.opened           deal of secret                          asset_core
        factory     asset.registered       weights classification=important        recorded
        factory     offer.opened           deal of weights policy=any-use          purpose_needed
        factory     offer.opened           deal of weights policy=with-purpose     recorded
        factory     asset.registered       shifts personal=true                    recorded
        factory     offer.opened           rota of shifts policy=any-use           purpose_needed
        factory     offer.opened           rota of shifts                          recorded
        factory     asset.registered       blades                                  recorded
        factory     offer.opened           both of blades,shifts policy=any-use    purpose_needed
        factory     offer.opened           both of blades,shifts                   recorded
        so          both                   classification=general personal=true
        factory     offer.opened           free of blades policy=any-use           recorded
    """,
    "only its holder withdraws an offer, and once": """
        joined      factory partner
        factory     asset.registered       blades                                  recorded
        factory     offer.opened           deal of blades                          recorded
        partner     offer.withdrawn        deal                                    offer_not_yours
        factory     offer.withdrawn        deal                                    recorded
        so          deal                   status=withdrawn
        factory     offer.withdrawn        deal                                    offer_withdrawn
    """,
    "an offer pins its assets": """
        joined      factory
        factory     asset.registered       blades                                  recorded
        factory     offer.opened           deal of blades prev=stale               pin_stale
        factory     offer.opened           deal of blades                          recorded
        # it does not advance them: the next act still follows the registration
        factory     asset.revised          blades line-5                           recorded
    """,
    "prices may be withheld": """
        joined      factory
        factory     asset.registered       blades                                  recorded
        factory     offer.opened           deal of blades price=1250000EUR private=price  recorded
        factory     offer.opened           open of blades price=1250000EUR         recorded
        factory     offer.opened           gold of blades price=1XAU               body_malformed
        factory     offer.opened           gold of blades price=1XAU private=price  disclosed_value_malformed
    """,
    "a lapsed offer can still be withdrawn by who made it": """
        joined      factory partner second
        factory     asset.registered       blades                                  recorded
        factory     offer.opened           deal of blades                          recorded
        factory     transfer.proposed      sale of blades to second                recorded
        second      transfer.accepted      sale                                    recorded
        partner     agreement.requested    licence on deal                         offer_lapsed
        second      offer.withdrawn        deal                                    offer_not_yours
        factory     offer.withdrawn        deal                                    recorded
    """,
}
