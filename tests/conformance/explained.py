"""What docs/conformance.md says of itself, and of every test that fails: by suite, a part of the title, and why."""

from __future__ import annotations

ABOUT = """# Conformance

Suites we did not write, run against `identity/` behind a small VC-API server (`tests/conformance/server.py`) on the
loopback. This page is written by:

    make conformance SUITES=DIR

It needs Node.js 20 or later, npm, and the packages that `tests/conformance/package-lock.json` names, which npm fetches
once, into `.conformance/`. `make conformance` alone runs what these packages can judge: implementations of others issue
what ours verifies, and verify what ours issues.

**The suites of the W3C are in no registry**, neither `vc-di-eddsa-test-suite` nor
`vc-bitstring-status-list-test-suite`, nor the two libraries they get from GitHub. So `DIR` holds checkouts of the four,
in folders of these names, and the suites are run from copies of them, unchanged. Two of the packages are newer than one
of the suites asks for (`@digitalbazaar/http-client` 4, `@digitalbazaar/multikey-context` 2), since they share one
installation.

What is run and what is not:

- `vc-di-eddsa-test-suite`: all tests of `eddsa-jcs-2022`. It has none for `eddsa-rdfc-2022` to run here: that suite
  canonicalises RDF and needs a JSON-LD processor, which nothing else here needs. It is not supported, and a proof of it
  alone is refused by name (`proof_suite_unsupported`).
- `vc-bitstring-status-list-test-suite`: all. What it skips by itself are optional properties that our entries do not
  have (`id`, `statusSize`, `statusMessage`, `statusReference`) and a test that its authors switched off.
- `data-integrity-test-suite-assertion`: the library behind the suites for Data Integrity, which the suite above calls
  for `eddsa-rdfc-2022` only; `tests/conformance/assertion.mjs` calls it for `eddsa-jcs-2022`, with the options `dates`,
  `authentication` and `domain`. Left out are `proofChain`, which is refused by name, and `contextInjection`: a
  credential without contexts is malformed (data model, section 4.3), so none is put in for its issuer.
"""

_NO_OFFSET = (
    "the test asks for what a processor *may* do (Data Integrity, section 2.1): take a time of a proof that was written"
    " without the offset it must have. Ours does not guess (`instant_malformed`)"
)

EXPLAINED: dict[str, dict[str, str]] = {
    "data-integrity-test-suite-assertion": {
        "(created) A conforming processor MAY chose to consume time values": _NO_OFFSET,
        "(expires) A conforming processor MAY chose to consume time values": _NO_OFFSET,
    },
}
