"""The state: the service commits to it, in order, to nothing that is not recorded. Its root is a matter for audits."""

STORIES = {
    "the service commits to what is recorded, to more each time": """
        joined      factory
        service     state.committed        state 2                                 recorded
        so          state                  size=2
        service     state.committed        state 2                                 commitment_stale
        service     state.committed        state 1                                 commitment_stale
        service     state.committed        state 4                                 commitment_ahead
        service     state.committed        state 3                                 recorded
    """,
    "each commitment follows the one before": """
        service     state.committed        state 1 prev=stale                      pin_stale
        service     state.committed        state 1 prev=none                       pins_not_fitting
        service     state.committed        state 0                                 body_malformed
    """,
    "only the service key in force commits": """
        joined      factory
        factory     state.committed        state 1                                 signer_not_service
        governance  state.committed        state 1                                 signer_not_service
        service     state.committed        state 1 key=factory                     key_not_of_issuer
        governance  ledger.amended         - service=did-of-lender                 recorded
        service     state.committed        state 1                                 signer_not_service
        lender      state.committed        state 1                                 recorded
    """,
}
