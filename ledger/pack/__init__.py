"""An audit pack: one HTML file that proves one entry, what came before it, and who signed, to whoever opens it.

The file is a page. In it lie the data (``data``): the entry, the history of its subject, the charter with its
amendments, and the entries by which its signers came to speak as they do, for themselves or for others (``voices``),
each with a proof of inclusion under one checkpoint; private values that whoever made the pack chose to show; a policy,
if they gave one. And a script that judges them, in any browser, from ``file://``, asking nobody.

Such a page proves nothing about itself: whoever forges the data can forge the script. So there are three ways to be
sure, from weak to strong:

* the page shows the SHA-256 of its script, to be compared with that of the release (``page.script_digest``);
* the page opens another pack and judges that: use one that you trust;
* ``cadastre verify PACK.html`` takes nothing but the data and judges them here (``judge``), and says whether the page
  is, to the byte, the one that this release makes (``page``).

``gather`` puts a pack together from what a ledger shows (``evidence``). Nothing in this package knows a network.
"""
