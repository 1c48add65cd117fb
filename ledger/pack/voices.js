// Cadastre audit pack, part 3 of 5: who speaks for whom, by the acts that are in the pack. Its steps are those of
// ledger/pack/voices.py: there is told what is taken from the ledger, and not looked at.

/** What the acts come to. `parties`: id -> DIDs, keys, lines of the log, last entry; `speaks`: DID -> party. */
function noVoices() {
  return { parties: new Map(), speaks: new Map(), mandates: new Map(), recoveries: new Map() };
}

const incomplete = (what) => corrupt("pack_incomplete", what);
const missigned = (why) => corrupt("pack_missigned", why);

/** See that the next act is signed by whose act it is, and let it take effect. */
function takeVoice(voices, act) {
  try {
    if (act.claims.via !== undefined) checkMandate(voices, act);
    else if (KINDS[act.claims.kind].signer === "party") checkKey(voices, act.did, act.key);
    FOLDS[act.claims.kind]?.(voices, act);
  } catch (wrong) {
    if (wrong instanceof Finding) wrong.index ??= act.index;
    throw wrong;
  }
}

/** Whether the key that signed an act is said to be compromised since then or before. */
function isDoubtful(voices, { did, key, index }) {
  const keys = voices.parties.get(voices.speaks.get(did))?.keys ?? [];
  return (keys.findLast((one) => one.key === key && one.index <= index)?.compromised ?? Infinity) <= index;
}

/** Whether a delegation under which an act was done is compromised so, or was given with a key that is. */
function isDoubtfulUnder(voices, act) {
  const chain = mandatesOf(voices, act);
  return chain.some((one) => (one.compromised ?? Infinity) <= act.index || isDoubtful(voices, one.given));
}

/** Whose act it is, whose key signed it, and whose keys gave what it was done under: each party with the last entry
 *  here that says how it speaks. */
function toldOf(voices, act) {
  const { parties, speaks } = voices;
  const dids = [act.claims.iss, act.did, ...mandatesOf(voices, act).map(({ given }) => given.did)];
  const found = dids.filter((one) => speaks.has(one)).map((one) => speaks.get(one));
  return [...new Set(found)].map((party) => ({ party, index: parties.get(party).told }));
}

// ---- Whose act it is ---------------------------------------------------------------------------------------

function partyOf(voices, did) {
  if (!voices.speaks.has(did)) throw incomplete(`where ${did} joined`);
  return voices.speaks.get(did);
}

function checkKey(voices, did, key) {
  const { dids, keys } = voices.parties.get(partyOf(voices, did));
  if (dids.at(-1) !== did) throw missigned(`${did} speaks for nobody any more`);
  if (isSpeaking(keys, key)) return;
  if (keys.every((one) => one.key !== key)) throw incomplete(`by what ${key} speaks for ${did}`);
  throw missigned(`${key} speaks for nobody any more`);
}

function isSpeaking(keys, key) {
  return keys.some((one) => one.key === key && one.ended === undefined);
}

/** The delegations under which an act was done, the party's own first. */
function mandatesOf(voices, { claims }) {
  if (claims.via === undefined) return [];
  const mandate = voices.mandates.get(`delegation_${lettersOf(fromBase64url(claims.via))}`);
  return mandate ? [...mandate.chain.map((id) => voices.mandates.get(id)), mandate] : [];
}

function checkMandate(voices, act) {
  const { claims, did, key } = act;
  if (KINDS[claims.kind].personal) throw missigned(`${claims.kind} is done for nobody else`);
  const chain = mandatesOf(voices, act);
  const leaf = chain.at(-1);
  if (leaf?.given.id !== claims.via) throw incomplete(`the delegation ${claims.via}`);
  if (leaf.party !== partyOf(voices, claims.iss)) throw missigned(`the delegation is of ${leaf.party}`);
  if (leaf.to !== did) throw missigned(`the delegation was given to ${leaf.to}`);
  const ended = chain.find(({ revoked }) => revoked !== null);
  if (ended) throw missigned(`${ended.id} was revoked by entry ${ended.revoked}`);
  if (voices.speaks.has(did) || !did.startsWith("did:key:")) checkKey(voices, did, key);
}

// ---- What comes of it --------------------------------------------------------------------------------------

const FOLDS = {
  "party.joined": (voices, { claims, opened, key, index }) => {
    const spoken = spokenBy(claims.body, claims.iss);
    speak(voices, opened[0], spoken, key);
    const keys = spoken.keys.map((one) => ({ key: one, index }));
    voices.parties.set(opened[0], { dids: [claims.iss], keys, lines: spoken.lines, told: index });
  },
  "party.rotated": (voices, { claims, key, index }) => {
    const party = partyOf(voices, claims.iss);
    const voice = voices.parties.get(party);
    if (party !== claims.sub || voice.dids.at(-1) !== claims.iss) {
      throw missigned(`${claims.iss} does not speak for ${claims.sub}`);
    }
    const spoken = spokenBy(claims.body, null, voice.lines);
    const logOf = (did) => did.split(":").slice(0, 3).join(":");
    if (logOf(spoken.did) !== logOf(claims.iss)) throw missigned(`the log is of ${spoken.did}`);
    if (!spoken.keys.includes(key) && !isSpeaking(voice.keys, key)) throw missigned(`${key} speaks neither before nor after`);
    if (voices.speaks.get(spoken.did) !== party) speak(voices, party, spoken); // a log may come back to where it was
    turn(voice, spoken, claims.body, index);
  },
  "party.succeeded": (voices, { claims, index }) => {
    if (voices.speaks.get(claims.iss) !== claims.sub) throw missigned(`${claims.iss} speaks for another party`);
    const spoken = spokenBy(claims.body, String(claims.body.did));
    speak(voices, claims.sub, spoken);
    turn(voices.parties.get(claims.sub), spoken, claims.body, index);
  },
  "recovery.opened": (voices, { claims, opened }) => {
    voices.recoveries.set(opened[0], { party: claims.body.party, did: claims.body.did });
  },
  "recovery.completed": (voices, { claims, key, index }) => {
    const opened = voices.recoveries.get(claims.sub);
    const voice = voices.parties.get(claims.body.party);
    if (!opened || !voice) throw incomplete("the opening of the recovery, or where its party joined");
    if (opened.party !== claims.body.party || opened.did !== claims.iss) {
      throw missigned(`the recovery is of ${opened.party}, for ${opened.did}`);
    }
    const spoken = spokenBy(claims.body, claims.iss);
    speak(voices, opened.party, spoken, key);
    turn(voice, spoken, claims.body, index);
  },
  "party.delegated": (voices, act) => {
    const { claims, opened, index } = act;
    const chain = mandatesOf(voices, act).map((one) => one.id);
    const party = voices.speaks.get(claims.iss);
    const mandate = { id: opened[0], given: act, index, party, to: claims.body.to, chain, revoked: null };
    voices.mandates.set(mandate.id, mandate);
  },
  "delegation.revoked": (voices, { claims, index }) => {
    const mandate = voices.mandates.get(claims.sub);
    if (!mandate) return;
    if (mandate.party !== voices.speaks.get(claims.iss)) throw missigned(`the delegation is of ${mandate.party}`);
    if (mandate.revoked !== null) return;
    const { reason, since } = claims.body;
    mandate.revoked = index;
    if (reason === "compromised") mandate.compromised = since ?? index;
  },
};

/** A DID comes to speak, for nobody else; where it signs that itself, by a key that it is said to have. */
function speak(voices, party, { did, keys }, key = null) {
  if (voices.speaks.has(did)) throw missigned(`${did} speaks for ${voices.speaks.get(did)}`);
  if (key !== null && !keys.includes(key)) throw missigned(`${key} is no key of ${did}`);
  voices.speaks.set(did, party);
}

/** Let a party speak so from an index on. */
function turn(voice, { did, keys, lines }, body, index) {
  const since = new Map(listOf(body.compromised).filter(isObject).map((one) => [one.key, one.since]));
  for (const one of voice.keys) {
    if (one.ended === undefined && !keys.includes(one.key)) one.ended = index;
    if (since.has(one.key)) one.compromised = Math.min(since.get(one.key), one.compromised ?? Infinity);
  }
  const added = keys.filter((key) => !isSpeaking(voice.keys, key));
  voice.keys.push(...added.map((key) => ({ key, index })));
  voice.lines = lines;
  voice.told = index;
  if (did !== voice.dids.at(-1)) voice.dids.push(did);
}

/** How a DID speaks by what an act states: a did:key by itself, else by the lines of a log, which go on here. */
function spokenBy(body, did, lines = 0) {
  if (did?.startsWith("did:key:")) return { did, keys: [did.slice(8)], lines: 0 };
  let state = null;
  for (const line of listOf(body.log)) {
    lines += 1;
    state = line?.state;
    if (!String(line?.versionId).startsWith(`${lines}-`)) throw incomplete(`line ${lines} of the log`);
  }
  if (!isObject(state) || typeof state.id !== "string" || (did ?? state.id) !== state.id) throw missigned(`no log of ${did}`);
  return { did: state.id, keys: keysIn(state), lines };
}

/** The Multikeys in `assertionMethod` of verification methods that are named by their very keys. */
function keysIn(state) {
  const relations = listOf(state.assertionMethod);
  const wanted = relations.map((one) => (isObject(one) ? one.id : one));
  const methods = [...listOf(state.verificationMethod), ...relations].filter(
    (one) => isObject(one) && one.type === "Multikey" && wanted.includes(one.id),
  );
  const keys = methods.filter((one) => one.id === `${state.id}#${one.publicKeyMultibase}`);
  return [...new Set(keys.map((one) => one.publicKeyMultibase))].filter((key) => /^(z6Mk|zDn)/.test(key));
}

function listOf(value) {
  return Array.isArray(value) ? value : [];
}
