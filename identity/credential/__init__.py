"""Credentials: what an issuer says of a subject, secured so that anybody can check who said it (W3C VC 2.0).

    form           what credentials and presentations have to be, signatures aside
    secured        issue and open credentials: with a Data Integrity proof within, or in the envelope of a JWT
    envelope       the JWT around either
    presentation   credentials shown by a holder, for one verifier and one question

Nothing is fetched here: who opens something says how keys are found, and brings the status lists it needs.
"""
