"""The charter: who may open a ledger, what an amendment may change, and its keys."""

STORIES = {
    "the governance key it names opens the ledger": """
        founding
        factory     ledger.opened          -                                       signer_not_governance
        governance  ledger.opened          - rules=2                               rules_unknown
        governance  ledger.opened          - service=did-of-governance             charter_keys_alike
        governance  ledger.opened          - service=did:key:zUnheardOf            charter_key_unusable
        governance  ledger.opened          - logKey=broken                         charter_key_unusable
        governance  ledger.opened          - logKey=cosigner                       charter_key_unusable
        governance  ledger.opened          - logKey=other-log                      log_key_misnamed
        governance  ledger.opened          - logKey=mldsa                          charter_key_unusable
        governance  ledger.opened          - mldsaKey=log-key-2                    charter_key_unusable
        governance  ledger.opened          - mldsaKey=other-mldsa                  log_key_misnamed
        governance  ledger.opened          - refusalKey=log-key-2                  refusal_key_misnamed
        governance  ledger.opened          - refusalKey=refusals-by-log            charter_keys_alike
        governance  ledger.opened          - refusalKey=cosigner                   charter_key_unusable
        governance  ledger.opened          - succeeds=itself                       successor_of_itself
        governance  ledger.opened          - mldsaKey=mldsa succeeds=another refusalKey=refusals  recorded
    """,
    "an amendment changes what it names and nothing else": """
        joined      partner
        governance  ledger.amended         - readers=members                       recorded
        governance  ledger.amended         - readers=members                       amendment_empty
        governance  ledger.amended         -                                       amendment_empty
        governance  ledger.amended         - rules=2                               rules_unknown
        governance  ledger.amended         - service=did-of-governance             charter_keys_alike
        governance  ledger.amended         - service=did-of-lender                 recorded
        service     ledger.amended         - readers=public                        signer_not_governance
        partner     ledger.amended         - readers=public                        signer_not_governance
    """,
    "the rules version never goes back": """
        software    2
        governance  ledger.amended         - rules=2                               recorded
        governance  ledger.amended         - rules=1                               rules_lowered
    """,
    "a replaced log key never comes back": """
        governance  ledger.amended         - logKey=log-key-2                      recorded
        governance  ledger.amended         - logKey=log-key-1                      log_key_spent
        governance  ledger.amended         - logKey=log-key-3                      recorded
        governance  ledger.amended         - logKey=log-key-2                      log_key_spent
        governance  ledger.amended         - logKey=other-log                      log_key_misnamed
        governance  ledger.amended         - logKey=broken                         charter_key_unusable
    """,
    "what signs refusals is named so": """
        governance  ledger.amended         - refusalKey=refusals                   recorded
        governance  ledger.amended         - refusalKey=refusals                   amendment_empty
        governance  ledger.amended         - refusalKey=log-key-2                  refusal_key_misnamed
        governance  ledger.amended         - refusalKey=mldsa                      charter_key_unusable
    """,
    "a second log key is of another type": """
        governance  ledger.amended         - mldsaKey=mldsa                        recorded
        governance  ledger.amended         - mldsaKey=mldsa                        amendment_empty
        governance  ledger.amended         - mldsaKey=log-key-2                    charter_key_unusable
        governance  ledger.amended         - mldsaKey=cosigner                     charter_key_unusable
        governance  ledger.amended         - mldsaKey=other-mldsa                  log_key_misnamed
    """,
}
