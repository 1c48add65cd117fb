"""Private values: who is let see them, who looks at them and says so, and what is erased."""

STORIES = {
    "a party lets others see what it stated in private, and takes that back": """
        factory     party.joined           - private=name                          recorded
        joined      partner second
        factory     disclosure.granted     sight of 1 to=[partner]                 recorded
        so          sight                  status=active party=factory entry=1
        factory     disclosure.granted     other of 1 to=[no-party]                subject_unknown
        factory     disclosure.granted     other of 1 to=[partner] fields=[/name]  recorded
        factory     disclosure.granted     other of 1 to=[partner] fields=[/contact]  field_not_private
        factory     disclosure.granted     other of 2 to=[partner]                 field_not_private
        factory     disclosure.granted     other of 99 to=[partner]                entry_not_yet
        factory     disclosure.granted     other of 1 to=[partner] subject=partner  entry_of_other_subject
        factory     disclosure.granted     other of 1 to=[partner] until=-1s       grant_over
        factory     disclosure.granted     other of 1 to=[partner] until=+1s       recorded
        second      disclosure.granted     other of 1 to=[partner]                 statement_of_another
        second      disclosure.withdrawn   sight                                   grant_not_yours
        factory     disclosure.withdrawn   sight                                   recorded
        so          sight                  status=withdrawn
        factory     disclosure.withdrawn   sight                                   grant_withdrawn
    """,
    "of a subject it lets others see all that it states about it, what is to come included": """
        joined      factory partner second
        factory     asset.registered       blades                                  recorded
        factory     offer.opened           deal of blades private=price price=5000EUR  recorded
        factory     disclosure.granted     sight on deal to=[partner,second]       recorded
        second      disclosure.granted     mine on deal to=[partner]               recorded
        factory     disclosure.granted     sight on no-offer to=[partner]          subject_unknown
    """,
    "only authorities whose role the charter names look, each look by an entry": """
        factory     party.joined           - private=name                          recorded
        joined      lender partner
        lender      disclosure.inspected   look at 1                               inspector_not_entitled
        governance  ledger.amended         - authorities=[regulator@lender]        recorded
        lender      disclosure.inspected   look at 1                               inspector_not_entitled
        governance  ledger.amended         - inspectors=[regulator]                recorded
        lender      disclosure.inspected   look at 1                               recorded
        lender      disclosure.inspected   look at 1 fields=[/name]                recorded
        lender      disclosure.inspected   look at 1 fields=[/contact]             field_not_private
        lender      disclosure.inspected   look at 2                               field_not_private
        lender      disclosure.inspected   look at 1 party=partner                 statement_of_another
        lender      disclosure.inspected   look at 1 subject=partner               entry_of_other_subject
        lender      disclosure.inspected   look at 99                              entry_not_yet
        partner     disclosure.inspected   look at 1                               inspector_not_entitled
        lender      disclosure.erased      end of 1                                eraser_not_entitled
        governance  ledger.amended         - inspectors=[]                         recorded
        lender      disclosure.inspected   look at 1                               inspector_not_entitled
    """,
    "what is erased is erased once, by its party or an authority, and of that entry alone": """
        factory     party.joined           - private=name                          recorded
        joined      lender partner
        partner     disclosure.erased      end of 1                                eraser_not_entitled
        factory     disclosure.erased      end of 1 digests=[nobody]               field_not_private
        factory     disclosure.erased      end of 2                                eraser_not_entitled
        factory     disclosure.erased      end of 2 party=factory                  field_not_private
        factory     disclosure.erased      end of 1                                recorded
        so          end                    by=factory entry=1 code=as-told
        factory     disclosure.erased      end of 1                                private_field_erased
        factory     asset.registered       blades                                  recorded
        factory     offer.opened           deal of blades private=price price=5000EUR  recorded
        governance  ledger.amended         - authorities=[court@lender] erasers=[court]  recorded
        lender      disclosure.erased      end of 6                                recorded
        so          end                    by=lender party=factory entry=6
        factory     offer.opened           more of blades private=price price=5000EUR  recorded
        lender      disclosure.erased      end of 9                                recorded
        lender      disclosure.inspected   look at 6                               inspector_not_entitled
        partner     disclosure.erased      end of 99                               eraser_not_entitled
        lender      disclosure.erased      end of 99                               entry_not_yet
    """,
    "a statement stays its party's, through whichever DID the party speaks": """
        factory     party.joined           - private=name                          recorded
        joined      partner
        factory     party.succeeded        factory to spare                        recorded
        spare       disclosure.granted     sight of 1 to=[partner]                 recorded
        partner     disclosure.granted     other of 1 to=[partner]                 statement_of_another
        spare       disclosure.erased      end of 1                                recorded
        spare       disclosure.erased      end of 1                                private_field_erased
    """,
}
