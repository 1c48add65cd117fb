"""Transfers: title moves by two signatures, licences and all, and never twice."""

STORIES = {
    "title moves by both signatures": """
        joined      factory second
        factory     asset.registered       blades                                  recorded
        factory     transfer.proposed      sale of blades to second price=5000000EUR  recorded
        so          blades                 holder=factory
        second      transfer.accepted      sale                                    recorded
        so          blades                 holder=second
        so          sale                   status=accepted
        factory     asset.revised          blades line-5                           asset_not_yours
        second      asset.revised          blades line-5                           recorded
    """,
    "only the holder proposes, to another party that exists": """
        joined      factory partner second
        factory     asset.registered       blades                                  recorded
        partner     transfer.proposed      sale of blades to second                asset_not_yours
        partner     transfer.proposed      sale of blades to partner               self_dealing
        factory     transfer.proposed      sale of blades to factory               self_dealing
        factory     transfer.proposed      sale of blades to no-party              subject_unknown
        factory     transfer.proposed      sale of blades to second validUntil=+0s  transfer_over
        factory     transfer.proposed      sale of blades to second prev=stale     pin_stale
        factory     asset.retired          blades                                  recorded
        factory     transfer.proposed      sale of blades to second                asset_retired
    """,
    "core data stay where they are": """
        joined      factory second
        factory     asset.registered       secret classification=core              recorded
        factory     transfer.proposed      sale of secret to second                asset_core
        factory     asset.registered       plans                                   recorded
        factory     transfer.proposed      sale of plans to second                 recorded
        factory     asset.revised          plans classification=core               recorded
        second      transfer.accepted      sale                                    asset_core
    """,
    "only who it is proposed to answers": """
        joined      factory partner second
        factory     asset.registered       blades                                  recorded
        factory     transfer.proposed      sale of blades to second                recorded
        partner     transfer.accepted      sale                                    transfer_not_to_you
        factory     transfer.accepted      sale                                    transfer_not_to_you
        partner     transfer.declined      sale                                    transfer_not_to_you
        partner     transfer.withdrawn     sale                                    transfer_not_yours
        second      transfer.withdrawn     sale                                    transfer_not_yours
        second      transfer.declined      sale                                    recorded
        so          sale                   status=declined
        second      transfer.accepted      sale                                    transfer_closed
        second      transfer.declined      sale                                    transfer_closed
        factory     transfer.withdrawn     sale                                    transfer_closed
    """,
    "a withdrawn proposal cannot be accepted": """
        joined      factory second
        factory     asset.registered       blades                                  recorded
        factory     transfer.proposed      sale of blades to second                recorded
        factory     transfer.withdrawn     sale                                    recorded
        second      transfer.accepted      sale                                    transfer_closed
        so          blades                 holder=factory
    """,
    "a proposal waits until its last second": """
        joined      factory second
        factory     asset.registered       blades                                  recorded
        factory     transfer.proposed      sale of blades to second validUntil=+1d  recorded
        factory     transfer.proposed      again of blades to second validUntil=+1d  recorded
        tick        1 day
        second      transfer.accepted      sale                                    recorded
        tick        1 second
        second      transfer.accepted      again                                   transfer_expired
        second      transfer.declined      again                                   recorded
    """,
    "an asset is not sold twice": """
        joined      factory partner second
        factory     asset.registered       blades                                  recorded
        factory     transfer.proposed      sale of blades to second                recorded
        factory     transfer.proposed      twice of blades to partner              recorded
        second      transfer.accepted      sale                                    recorded
        partner     transfer.accepted      twice                                   transfer_lapsed
        # not even when it came back in between
        second      transfer.proposed      back of blades to factory               recorded
        factory     transfer.accepted      back                                    recorded
        partner     transfer.accepted      twice                                   transfer_lapsed
    """,
    "the acceptance is about the transfer's asset, as it stands": """
        joined      factory second
        factory     asset.registered       blades                                  recorded
        factory     asset.registered       gears                                   recorded
        factory     transfer.proposed      sale of blades to second                recorded
        second      transfer.accepted      sale asset=gears                        transfer_asset_other
        second      transfer.accepted      sale prev=stale                         pin_stale
        factory     asset.retired          blades                                  recorded
        second      transfer.accepted      sale                                    asset_retired
    """,
    "licences travel with the asset, and by their number": """
        joined      factory partner second
        factory     asset.registered       blades                                  recorded
        factory     offer.opened           deal of blades                          recorded
        factory     transfer.proposed      sale of blades to second                recorded
        partner     agreement.requested    licence on deal                         recorded
        factory     agreement.agreed       licence                                 recorded
        partner     agreement.verified     licence                                 recorded
        factory     agreement.finalized    licence                                 recorded
        second      transfer.accepted      sale licences=0                         licences_other
        second      transfer.accepted      sale licences=2                         licences_other
        second      transfer.accepted      sale licences=1                         recorded
        so          blades                 holder=second licences=1
        so          licence                state=FINALIZED provider=factory
        second      offer.opened           mine of blades                          recorded
        partner     agreement.requested    more on mine                            recorded
    """,
}
