"""Assets: registered by their holder, revised without taking back what they are, retired for good."""

STORIES = {
    "only the holder revises and retires": """
        joined      factory partner
        factory     asset.registered       blades                                  recorded
        partner     asset.revised          blades mine-now                         asset_not_yours
        partner     asset.retired          blades                                  asset_not_yours
        factory     asset.revised          blades line-5                           recorded
        so          blades                 versions=2 version=blades@2 holder=factory
        factory     asset.retired          blades                                  recorded
        so          blades                 status=retired versions=2
    """,
    "what is retired stays retired": """
        joined      factory
        factory     asset.registered       blades                                  recorded
        factory     asset.retired          blades                                  recorded
        factory     asset.revised          blades line-5                           asset_retired
        factory     asset.retired          blades                                  asset_retired
    """,
    "a revision says something else": """
        joined      factory
        factory     asset.registered       blades                                  recorded
        factory     asset.revised          blades                                  asset_unchanged
        factory     asset.revised          blades line-5                           recorded
        factory     asset.revised          blades line-5                           asset_unchanged
        factory     asset.revised          blades                                  recorded
        so          blades                 versions=3
    """,
    "the classification only rises and personal stays personal": """
        joined      factory
        factory     asset.registered       shifts classification=important         recorded
        factory     asset.revised          shifts classification=general           asset_class_lowered
        factory     asset.revised          shifts classification=important personal=true  recorded
        factory     asset.revised          shifts line-5 classification=important  asset_made_impersonal
        factory     asset.revised          shifts classification=core personal=true  recorded
        so          shifts                 classification=core personal=true
    """,
    "assets name what they were made from": """
        joined      factory partner
        factory     asset.registered       blades                                  recorded
        partner     asset.registered       wear derivedFrom=[blades]               recorded
        partner     asset.registered       more derivedFrom=[no-asset]             subject_unknown
        so          wear                   derivedFrom=[blades] holder=partner
    """,
}
