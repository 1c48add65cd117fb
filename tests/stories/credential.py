"""Credentials on record: issued, suspended, revoked by their issuers; demanded, and counting, as the charter says."""

MANY = "\n".join(f"lender  credential.recorded  badge-{number} of factory  recorded" for number in range(32))

STORIES = {
    "an issuer puts on record what it gave, once, and takes it back": """
        joined      lender factory
        lender      credential.recorded    badge of factory                        recorded
        so          badge                  status=active holder=factory issuer=lender
        lender      credential.recorded    badge of factory                        credential_known
        factory     credential.recorded    badge of factory                        recorded
        lender      credential.recorded    other of no-party                       subject_unknown
        lender      credential.recorded    other of factory issuer=factory         credential_of_another
        lender      credential.recorded    other of factory validUntil=-1s         credential_ends_early
        lender      credential.recorded    other of factory validFrom=+2d validUntil=+1d  credential_ends_early
        lender      credential.recorded    other of factory validUntil=+0s         recorded
    """,
    "it ends by its issuer's word alone": """
        joined      lender factory partner
        lender      credential.recorded    badge of factory                        recorded
        factory     credential.revoked     badge                                   credential_of_another
        lender      credential.revoked     badge holder=partner                    credential_of_other_holder
        lender      credential.revoked     badge reason=sold                       recorded
        so          badge                  status=revoked reason=sold
        lender      credential.revoked     badge                                   credential_over_already
        lender      credential.suspended   badge                                   credential_not_active
        lender      credential.reinstated  badge                                   credential_not_suspended
    """,
    "what is suspended holds again when it is reinstated": """
        joined      lender factory
        lender      credential.recorded    badge of factory                        recorded
        lender      credential.reinstated  badge                                   credential_not_suspended
        factory     credential.suspended   badge                                   credential_of_another
        lender      credential.suspended   badge reason=audit                      recorded
        so          badge                  status=suspended reason=audit
        lender      credential.suspended   badge                                   credential_not_active
        factory     credential.reinstated  badge                                   credential_of_another
        lender      credential.reinstated  badge                                   recorded
        so          badge                  status=active reason=nothing
        lender      credential.suspended   badge prev=stale                        pin_stale
        lender      credential.suspended   badge                                   recorded
        lender      credential.revoked     badge                                   recorded
        lender      credential.reinstated  badge                                   credential_not_suspended
    """,
    "no two credentials of one issuer have the same place in its status lists": """
        joined      lender second factory
        lender      credential.recorded    badge of factory place=list-0/7         recorded
        lender      credential.recorded    other of factory place=list-0/7         status_place_taken
        lender      credential.recorded    other of factory place=list-1/7         recorded
        second      credential.recorded    twin of factory place=list-0/7          recorded
        lender      credential.revoked     badge                                   recorded
        lender      credential.recorded    third of factory place=list-0/7         status_place_taken
        lender      credential.recorded    third of factory place=list-0/131072    body_malformed
        lender      credential.recorded    third of factory place=list-1024/0      body_malformed
    """,
    "what the charter demands must be held, in time, unrevoked, by an issuer that counts": """
        joined      lender second factory
        factory     asset.registered       blades                                  recorded
        governance  ledger.amended         - issuers=[Badge-by-lender] demands=[asset.*-asks-Badge]  recorded
        factory     asset.registered       gears                                   credential_demanded
        factory     asset.revised          blades with-lines                       credential_demanded
        second      credential.recorded    fake of factory                         recorded
        factory     asset.registered       gears                                   credential_demanded
        lender      credential.recorded    other of factory type=Membership        recorded
        factory     asset.registered       gears                                   credential_demanded
        lender      credential.recorded    early of factory validFrom=+1h          recorded
        factory     asset.registered       gears                                   credential_demanded
        tick 1 hour
        factory     asset.registered       gears                                   recorded
        lender      credential.revoked     early                                   recorded
        factory     asset.registered       wheels                                  credential_demanded
        lender      credential.recorded    badge of factory validUntil=+1d         recorded
        factory     asset.registered       wheels                                  recorded
        lender      credential.suspended   badge                                   recorded
        factory     asset.registered       discs                                   credential_demanded
        lender      credential.reinstated  badge                                   recorded
        factory     asset.registered       discs                                   recorded
        tick 1 day
        factory     asset.registered       last                                    recorded
        tick 1 second
        factory     asset.registered       late                                    credential_demanded
        factory     offer.opened           deal of blades                          recorded
    """,
    "a role is demanded as well": """
        joined      lender factory
        governance  ledger.amended  - issuers=[Badge-by-lender] demands=[offer.opened-asks-Badge-as-assessor]  recorded
        factory     asset.registered       blades                                  recorded
        lender      credential.recorded    plain of factory                        recorded
        lender      credential.recorded    other of factory role=registrar         recorded
        factory     offer.opened           deal of blades                          credential_demanded
        lender      credential.recorded    badge of factory role=assessor          recorded
        factory     offer.opened           deal of blades                          recorded
    """,
    "whom the charter recognises counts from then on, and no longer than it does": """
        joined      lender second factory
        governance  ledger.amended         - authorities=[auditor@lender]          recorded
        governance  ledger.amended         - issuers=[Badge-by-role-auditor] demands=[asset.*-asks-Badge]  recorded
        lender      credential.recorded    badge of factory                        recorded
        second      credential.recorded    early of factory                        recorded
        factory     asset.registered       blades                                  recorded
        governance  ledger.amended         - authorities=[auditor@second]          recorded
        factory     asset.registered       gears                                   credential_demanded
        second      credential.recorded    again of factory                        recorded
        factory     asset.registered       gears                                   recorded
        governance  ledger.amended         - authorities=[auditor@lender]          recorded
        factory     asset.registered       wheels                                  credential_demanded
        lender      credential.suspended   badge                                   recorded
        lender      credential.reinstated  badge                                   recorded
        factory     asset.registered       wheels                                  recorded
    """,
    "a charter demands nothing that nobody could meet": """
        joined      lender factory
        governance  ledger.amended         - demands=[asset.*-asks-Badge]  demand_unmeetable
        governance  ledger.amended  - issuers=[Badge-by-role-auditor] demands=[asset.*-asks-Badge]  demand_unmeetable
        governance  ledger.amended         - issuers=[Badge-by-lender] demands=[assets.*-asks-Badge]  demand_unmeetable
        governance  ledger.amended  - issuers=[Badge-by-lender] demands=[party.left-asks-Badge]  demand_unmeetable
        governance  ledger.amended         - issuers=[Badge-by-lender] demands=[state.*-asks-Badge]  demand_unmeetable
        governance  ledger.amended         - issuers=[Badge-by-lender] demands=[*-asks-Badge]  body_malformed
        governance  ledger.amended         - issuers=[Badge-by-lender] demands=[party.*-asks-Badge]  recorded
        stranger    party.joined           -                                       recorded
        factory     party.left             factory                                 recorded
        governance  ledger.amended         - issuers=[]                            recorded
        governance  ledger.amended         - demands=[]                            recorded
    """,
    "only who counts can fill what a holder has, and only so far": f"""
        joined      lender second factory
        governance  ledger.amended         - issuers=[Badge-by-lender]             recorded
        {MANY}
        lender      credential.recorded    other of factory                        credentials_too_many
        lender      credential.recorded    other of factory type=Membership        recorded
        second      credential.recorded    other of factory                        recorded
        lender      credential.suspended   badge-0                                 recorded
        lender      credential.recorded    last of factory                         recorded
        lender      credential.reinstated  badge-0                                 credentials_too_many
    """,
}
