// Cadastre audit pack, part 4 of 5: the judgement. It looks at the data of a pack and at nothing else; its steps are
// those of ledger/pack/judge.py, which judges the same data without this script, and comes to the same word.
//
// Not looked at here, but there: the form of each kind's body, and signatures of type 0x06 (ML-DSA-44).

const FORMAT = "cadastre/pack@v1";
const RULES = 1; // the newest rules version known
const SKEW_S = 60;
const CLOCK_S = 60; // unless the charter says otherwise
const ENTRY_MAX = 65535;
const EMPTY_ROOT = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
const ED25519 = 0x01, COSIGNATURE = 0x04, MLDSA44 = 0x06; // types of signature on a note
const KINDS = {{kinds}}; // name -> who signs it, whether for nobody else, what type of subject it is on, which types it opens

/**
 * Judge the data of a pack. `policy`: the reader's, in the place of the pack's own; `known`: checkpoints of the
 * reader's. Returns the verdict and what was found on the way. Throws NoVerdict where the browser cannot judge.
 */
async function judge(data, { policy = null, known = [] } = {}) {
  await checkBrowser();
  const run = { acts: [], byId: new Map(), byIndex: new Map(), remarks: [], witnesses: [], charter: null };
  run.voices = noVoices();
  Object.assign(run, { uncompared: [], compared: [], isNamed: false });
  try {
    readData(run, data);
    await readCheckpoint(run);
    for (const piece of run.pack.entries) await checkEntry(run, piece);
    checkWhole(run);
    for (const subject of run.pack.subjects) checkSubject(run, subject);
    const asked = await parsePolicy(policy ?? run.pack.policy ?? "quorum none");
    await checkCheckpoint(run, asked, known);
    const met = await checkWitnesses(run, asked);
    return verdict(run, met ? "witnessed" : "consistent", run.pack.index, asked.quorum && !met ? "quorum_not_met" : null);
  } catch (wrong) {
    if (!(wrong instanceof Finding)) throw wrong;
    return verdict(run, wrong.word, wrong.index, wrong.reason, wrong.detail);
  }
}

function verdict(run, word, index, reason, detail = "") {
  const size = run.checkpoint?.size ?? 0;
  const root = run.checkpoint ? base64(run.checkpoint.root) : EMPTY_ROOT;
  const tail = (index === null ? "" : ` index=${index}`) + (reason === null ? "" : ` reason=${reason}`);
  const line = `pack: ${word}  size=${size} root=${root}${tail && ` ${tail}`}`;
  return { word, size, root, index, reason, detail, line, ...run };
}

// ---- 1: the data -------------------------------------------------------------------------------------------

const MEMBERS = ["checkpoint", "entries", "format", "index", "known", "origin", "policy", "subjects"];
const LATER = /^cadastre\/pack@v([2-9]|[1-9][0-9]+)$/;
const PIECE = ["disclosures", "entry", "proof"];

function readData(run, data) {
  const malformed = (what) => corrupt("pack_malformed", what);
  const pack = parseData(data, malformed);
  if (!isObject(pack)) throw malformed("not an object");
  const later = typeof pack.format === "string" && LATER.test(pack.format);
  if (!later && pack.format !== FORMAT) throw malformed("format");
  if (!later && MEMBERS.some((name) => !Object.hasOwn(pack, name))) throw malformed("a member is missing");
  if (later || Object.keys(pack).length > MEMBERS.length) {
    throw new Finding("newer", "pack_newer", `${pack.format} with ${Object.keys(pack).join(", ")}`.slice(0, 300));
  }
  if (typeof pack.index !== "number" || pack.index < 0) throw malformed("index");
  if (typeof pack.origin !== "string" || typeof pack.checkpoint !== "string") throw malformed("origin, checkpoint");
  if (pack.policy !== null && typeof pack.policy !== "string") throw malformed("policy");
  checkTexts(pack.subjects, 4096);
  checkTexts(pack.known, 16);
  if (!Array.isArray(pack.entries) || pack.entries.length > 4096) throw malformed("entries");
  for (const piece of pack.entries) {
    if (!isObject(piece) || String(Object.keys(piece).sort()) !== String(PIECE)) throw malformed("an entry");
    if (typeof piece.entry !== "string") throw malformed("an entry");
    checkTexts(piece.disclosures, 64);
    checkTexts(piece.proof, 63);
    if (piece.proof.map(fromBase64).some((hash) => hash.length !== 32)) throw malformed("a hash has 32 bytes");
  }
  run.pack = pack;
}

function parseData(data, malformed) {
  try {
    return parseCanonical(data, (spelt) => spelt.replaceAll("<", "\\u003c"));
  } catch (wrong) {
    throw wrong instanceof Finding ? malformed(`${wrong.reason}: ${wrong.detail}`) : wrong;
  }
}

function checkTexts(list, most) {
  if (!Array.isArray(list) || list.length > most || list.some((one) => typeof one !== "string")) {
    throw corrupt("pack_malformed", `not a list of at most ${most} texts`);
  }
}

async function readCheckpoint(run) {
  run.checkpoint = parseCheckpoint(parseNote(run.pack.checkpoint).text);
  if (run.checkpoint.origin !== run.pack.origin) throw corrupt("pack_misplaced", "the checkpoint is of another ledger");
}

// ---- 2: each entry -----------------------------------------------------------------------------------------

async function checkEntry(run, piece) {
  const before = run.acts.at(-1) ?? null;
  let index = before === null ? 0 : before.index + 1;
  try {
    const entry = parseEntry(piece.entry);
    index = entry.index;
    const bytes = utf8(piece.entry);
    entry.hash = await sha256(bytes);
    if (entry.origin !== run.pack.origin) throw corrupt("pack_misplaced", `it is of ${entry.origin}`);
    if ((before === null) !== (index === 0)) throw corrupt("pack_misplaced", "a pack begins with the charter");
    if (before !== null) checkAfter(entry, before);
    const statement = await readStatement(entry.statement);
    const act = { ...entry, ...statement, raw: piece.entry, shown: new Map() };
    checkRules(run, act);
    checkClaims(act);
    act.opened = openedBy(act);
    await readDisclosures(act, piece.disclosures);
    checkStatement(run, act);
    const root = await rootFrom(bytes, index, run.checkpoint.size, piece.proof.map(fromBase64));
    if (root === null || !same(root, run.checkpoint.root)) throw corrupt("proof_wrong", "not under the root");
    run.acts.push(act);
    run.byIndex.set(index, act);
    run.byId.set(act.id, act);
  } catch (wrong) {
    if (wrong instanceof Finding) wrong.index ??= index;
    throw wrong;
  }
}

/** Six lines, each ended by a newline. */
function parseEntry(data) {
  const [form, origin, index, time, link, statement, end, ...more] = data.split("\n");
  const wrong = (what) => corrupt("entry_malformed", what);
  if (data.length > ENTRY_MAX || form !== "cadastre/1" || end !== "" || more.length > 0) throw wrong("not six lines");
  if (!/^[!-*,-~]{1,255}$/.test(origin)) throw corrupt("origin_malformed", origin.slice(0, 300));
  if (!/^[A-Za-z0-9+/]{43}=$/.test(link) || fromBase64(link).length !== 32) throw wrong("link");
  if (!/^[\0-\x7f]+$/.test(statement)) throw wrong("statement");
  return {
    origin,
    index: parseDecimal(index, "index", "entry_malformed"),
    time: parseDecimal(time, "time", "entry_malformed"),
    link: fromBase64(link),
    statement,
  };
}

function checkAfter(entry, before) {
  if (entry.index <= before.index) throw corrupt("pack_misplaced", `it stands after entry ${before.index}`);
  if (entry.time <= before.time) throw corrupt("entry_time_wrong", `not later than entry ${before.index}`);
  if (entry.index === before.index + 1 && !same(entry.link, before.hash)) {
    throw corrupt("entry_link_wrong", `it does not link to entry ${before.index}`);
  }
}

/** A compact JWS in its one spelling, whose signature is verified. */
async function readStatement(compact) {
  const parts = compact.split(".");
  if (parts.length !== 3) throw corrupt("statement_malformed", `${parts.length} parts`);
  if (parts[0].length > 2048) throw corrupt("header_malformed", "too long");
  const [header, payload, signature] = parts.map(fromBase64url);
  const named = parseCanonical(decoded(header));
  const { alg, kid, typ } = isObject(named) ? named : {};
  if (!isObject(named) || String(Object.keys(named).sort()) !== "alg,kid,typ" || typ !== "cadastre+jwt") {
    throw corrupt("header_malformed");
  }
  if (alg !== "Ed25519" && alg !== "ES256") throw corrupt("alg_unsupported", String(alg).slice(0, 40));
  if (payload.length > 46000) throw corrupt("payload_too_large");
  const claims = parseCanonical(decoded(payload));
  if (!isObject(claims)) throw corrupt("payload_malformed");
  if (signature.length !== 64) throw corrupt("signature_malformed");
  const [algorithm, key] = keyNamed(String(kid));
  if (algorithm !== alg) throw corrupt("alg_unfit", `${alg}, but the key is of ${algorithm}`);
  const signed = utf8(`${parts[0]}.${parts[1]}`);
  if (!(await verifies(alg, key, signed, signature))) throw corrupt("signature_invalid", "the statement's");
  const [did, name] = kid.split("#");
  if (!Object.hasOwn(claims, "via") && did !== claims.iss) throw corrupt("pack_missigned", "signed with another's key");
  const digest = await sha256(signed);
  return { claims, alg, did, key: name, id: base64url(digest), letters: lettersOf(digest) };
}

function decoded(bytes) {
  try {
    return textOf(bytes);
  } catch {
    throw corrupt("json_malformed", "not UTF-8");
  }
}

/** What the ids of the subjects end with that a statement opens. */
function lettersOf(digest) {
  let bits = numberOf(digest.slice(0, 16));
  let letters = "";
  for (let count = 0; count < 26; count += 1, bits >>= 5n) {
    letters = "0123456789abcdefghjkmnpqrstvwxyz"[Number(bits & 31n)] + letters;
  }
  return letters;
}

/** The ids of the subjects that an act opens. */
function openedBy({ claims, letters }) {
  const { on, opens } = KINDS[claims.kind];
  return opens.filter((type) => claims.sub === null || type !== on).map((type) => `${type}_${letters}`);
}

/** Only governance, whose signature is verified, can raise a ledger to rules that this page does not know. */
function checkRules(run, { claims, index }) {
  if (claims.kind !== (index === 0 ? "ledger.opened" : "ledger.amended") || !isObject(claims.body)) return;
  const governance = index === 0 ? claims.body.governance : run.charter.governance;
  if (claims.iss === governance && Number.isInteger(claims.body.rules) && claims.body.rules > RULES) {
    throw new Finding("newer", "rules_unknown", `rules version ${claims.body.rules}; this page knows ${RULES}`);
  }
}

const DIGEST = /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/;

function checkClaims({ claims }) {
  const { iss, aud, iat, exp, jti, kind, body, sub, prev } = claims;
  const texts = [iss, aud, jti, kind].every((text) => typeof text === "string");
  const seconds = [iat, exp].every((time) => Number.isSafeInteger(time) && time >= 0) && iat < exp;
  const subject = sub === null || typeof sub === "string";
  if (!texts || !seconds || !subject || !isObject(body) || !isObject(prev)) throw corrupt("claim_malformed");
  if (!Object.values(prev).every((id) => typeof id === "string" && DIGEST.test(id))) throw corrupt("claim_malformed", "prev");
  if (Object.hasOwn(claims, "via") && !(typeof claims.via === "string" && DIGEST.test(claims.via))) throw corrupt("claim_malformed", "via");
  if (!Object.hasOwn(KINDS, kind)) throw corrupt("kind_unknown", kind.slice(0, 64));
}

function checkStatement(run, act) {
  const { claims, index, origin } = act;
  const repeated = run.byId.get(act.id);
  if (repeated) throw corrupt("statement_repeated", `it stands at ${repeated.index}`);
  takeCharter(run, act);
  if (claims.aud !== (index === 0 ? origin : run.charter.audience)) throw corrupt("pack_misaddressed", claims.aud);
  if (typeof claims.seen === "string") {
    const [at, digest] = claims.seen.split(":");
    const there = run.byIndex.get(Number(at));
    if (there && base64url(there.hash) !== digest) throw corrupt("pack_seen_other", `of entry ${at}`);
  }
}

/** Fold a charter or amendment; check who signs what only governance or the service may. */
function takeCharter(run, act) {
  const { claims, index, origin, hash, id, letters } = act;
  if ((index === 0) !== (claims.kind === "ledger.opened")) throw corrupt("pack_misplaced", "entry 0 alone is the charter");
  if (index === 0) {
    const { governance, service } = claims.body;
    const audience = `${origin}#${base64url(hash)}`;
    run.charter = { governance, service, audience, ledger: `ledger_${letters}`, clock: CLOCK_S, logKeys: [], mldsaKeys: [] };
    amend(run.charter, claims.body, id);
  }
  const { signer } = KINDS[claims.kind];
  const allowed = { governance: run.charter.governance, service: run.charter.service }[signer] ?? claims.iss;
  if (claims.iss !== allowed) throw corrupt("pack_missigned", `${claims.kind} by ${claims.iss}`);
  if (claims.kind === "ledger.amended") {
    if (claims.prev[run.charter.ledger] !== run.charter.last) throw corrupt("pack_incomplete", "an amendment before it");
    run.charter.service = claims.body.service ?? run.charter.service;
    amend(run.charter, claims.body, id);
  }
}

function amend(charter, body, id) {
  if (isObject(body.limits)) charter.clock = body.limits.clock ?? CLOCK_S;
  if (typeof body.logKey === "string") charter.logKeys.push(body.logKey);
  if (typeof body.mldsaKey === "string") charter.mldsaKeys.push(body.mldsaKey);
  charter.last = id;
}

// ---- Private fields ----------------------------------------------------------------------------------------

const RESERVED = ["_sd", "_sd_alg", "..."];

async function readDisclosures(act, disclosures) {
  if (disclosures.length === 0) return;
  const fields = new Map();
  collect(act.claims.body, "", fields);
  for (const disclosure of disclosures) {
    const digest = base64url(await sha256(utf8(disclosure)));
    const pointer = fields.get(digest);
    if (pointer === undefined) throw corrupt("disclosure_unknown", `digest ${digest}`);
    if (act.shown.has(pointer)) throw corrupt("disclosure_twice", `digest ${digest}`);
    act.shown.set(pointer, openDisclosure(disclosure));
  }
}

function collect(value, pointer, fields) {
  if (Array.isArray(value)) value.forEach((item, at) => collect(item, `${pointer}/${at}`, fields));
  else if (isObject(value)) {
    if (RESERVED.some((name) => name in value)) {
      const digests = value._sd;
      if (Object.keys(value).length !== 1 || !Array.isArray(digests) || digests.length !== 1 || !DIGEST.test(digests[0])) {
        throw corrupt("private_field_malformed", pointer);
      }
      if (fields.has(digests[0])) throw corrupt("disclosure_twice", pointer);
      fields.set(digests[0], pointer);
      return;
    }
    for (const [name, item] of Object.entries(value)) {
      collect(item, `${pointer}/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`, fields);
    }
  }
}

function openDisclosure(disclosure) {
  const parts = parseCanonical(decoded(fromBase64url(disclosure)));
  if (!Array.isArray(parts) || parts.length !== 3 || typeof parts[0] !== "string" || parts[1] !== "value") {
    throw corrupt("disclosure_malformed");
  }
  if (fromBase64url(parts[0]).length < 16) throw corrupt("salt_short");
  if (hides(parts[2])) throw corrupt("disclosure_malformed", "a private field within a private value");
  return parts[2];
}

function hides(value) {
  if (Array.isArray(value)) return value.some(hides);
  return isObject(value) && Object.entries(value).some(([name, item]) => RESERVED.includes(name) || hides(item));
}

// ---- The tree (RFC 9162, section 2.1) ----------------------------------------------------------------------

/** The root that a proof leads to from an entry, null where the proof is not of the right length. */
async function rootFrom(entry, index, size, proof) {
  if (index >= size) return null;
  let hash = await sha256(join([0], entry));
  let [place, last] = [BigInt(index), BigInt(size) - 1n];
  for (const other of proof) {
    if (last === 0n) return null;
    if (place & 1n || place === last) {
      hash = await sha256(join([1], other, hash));
      while (!(place & 1n) && place !== 0n) [place, last] = [place >> 1n, last >> 1n];
    } else {
      hash = await sha256(join([1], hash, other));
    }
    [place, last] = [place >> 1n, last >> 1n];
  }
  return last === 0n ? hash : null;
}

// ---- 3 and 4: the whole ------------------------------------------------------------------------------------

function checkWhole(run) {
  if (!run.byIndex.has(run.pack.index)) throw corrupt("pack_incomplete", "the entry it is about", run.pack.index);
  for (const act of run.acts) takeVoice(run.voices, act);
}

/** Every act that advanced a subject is here: each pins the one before, back to the one that opened it. */
function checkSubject(run, subject) {
  const about = run.byIndex.get(run.pack.index);
  if (subject !== about.claims.sub && !Object.hasOwn(about.claims.prev, subject) && !about.opened.includes(subject)) {
    throw corrupt("pack_misplaced", `${subject} is not its subject`, about.index);
  }
  const opening = run.acts.find((act) => act.opened.includes(subject));
  if (!opening) throw corrupt("pack_incomplete", `the act that opened ${subject}`, run.pack.index);
  for (const act of run.acts) {
    if (!Object.hasOwn(act.claims.prev, subject)) continue;
    const pinned = run.byId.get(act.claims.prev[subject]);
    if (!pinned || pinned.index >= act.index) {
      throw corrupt("pack_incomplete", `what ${subject} was last advanced by`, act.index);
    }
    if (pinned !== opening && !Object.hasOwn(pinned.claims.prev, subject)) {
      throw corrupt("pack_misplaced", `it pins entry ${pinned.index} for ${subject}`, act.index);
    }
  }
}

// ---- 5 and 6: checkpoints ----------------------------------------------------------------------------------

async function checkCheckpoint(run, policy, known) {
  const keys = await Promise.all(run.charter.logKeys.map(parseVkey));
  const others = await Promise.all(run.charter.mldsaKeys.map(parseVkey));
  if (!(await isSigned(run.pack.checkpoint, keys.slice(-1)))) throw corrupt("note_unsigned", "not by the log key in force");
  if (hasLineOf(run.pack.checkpoint, others)) run.remarks.push("the log's signature of type 0x06 (ML-DSA-44)");
  const believed = policy.logs.filter((key) => key.name === run.pack.origin);
  run.isNamed = believed.length > 0;
  if (run.isNamed && !(await isSigned(run.pack.checkpoint, believed))) {
    const quantum = believed.filter((key) => key.type === MLDSA44);
    if (hasLineOf(run.pack.checkpoint, quantum)) throw new NoVerdict("the policy's key for this log is of type 0x06 (ML-DSA-44)");
    throw corrupt("log_key_unknown", "no key that the policy names for this log signed it");
  }
  const trusted = run.isNamed ? believed : keys.slice(-1);
  for (const note of run.pack.known) {
    const other = await readOther(run, note, keys);
    await compare(run, other, trusted);
    if (other.size !== run.checkpoint.size) run.uncompared.push(other.size);
  }
  for (const note of known) run.compared.push(await compareKept(run, note, keys, trusted));
}

/** What a checkpoint that the reader brings says. One that this log did not sign says nothing. */
async function compareKept(run, note, keys, trusted) {
  const other = await readOther(run, note, keys).catch((wrong) => {
    if (wrong instanceof Finding) return wrong;
    throw wrong;
  });
  return other instanceof Finding ? `it says nothing: ${other.detail}` : compare(run, other, trusted);
}

/** Another checkpoint of this log, signed by a key that it has or had. */
async function readOther(run, note, keys) {
  if (!(await isSigned(note, keys))) throw corrupt("note_unsigned", "a checkpoint that this log did not sign");
  const other = parseCheckpoint(parseNote(note).text);
  if (other.origin !== run.pack.origin) throw corrupt("checkpoint_origin_wrong", other.origin);
  return { ...other, note };
}

/** What another checkpoint says of this one. The log has told two histories only if a trusted key signed both. */
async function compare(run, { size, root, note }, trusted) {
  if (size !== run.checkpoint.size) return "of another size: this page cannot compare it";
  if (same(root, run.checkpoint.root)) return "the same size and root";
  if (await isSigned(note, trusted)) {
    throw new Finding("diverged", "checkpoint_other", `at size ${size} the log signed another root`);
  }
  throw corrupt("checkpoint_other", `a key that is not trusted signed another root at size ${size}`);
}

/** Whether a note has a line that means to be of one of these keys. */
function hasLineOf(data, keys) {
  return parseNote(data).lines.some((line) => keys.some((key) => key.name === line.name && same(key.id, line.id)));
}

/** Whether one of these keys signed a note; a line of one of them that does not hold spoils the note. */
async function isSigned(data, keys) {
  const note = parseNote(data);
  const { origin } = parseCheckpoint(note.text);
  let signed = false;
  for (const line of note.lines) {
    for (const key of keys.filter((one) => one.type === ED25519 && one.name === line.name && same(one.id, line.id))) {
      if (!(await verifies("Ed25519", key.raw, utf8(note.text), line.signature))) {
        throw corrupt("note_signature_invalid", `by ${key.name}`);
      }
      signed ||= key.name === origin;
    }
  }
  return signed;
}

/** C2SP signed-note: the text up to the last empty line, and a line for each signature. */
function parseNote(data) {
  const wrong = (what) => corrupt("note_malformed", what);
  if (!data.endsWith("\n") || /[\0-\x09\x0b-\x1f]/.test(data)) throw wrong("no text");
  const split = data.lastIndexOf("\n\n");
  if (split < 0) throw wrong("no signatures");
  const rest = data.slice(split + 2, -1).split("\n");
  if (rest.length > 100) throw wrong("more than 100 signatures");
  const lines = rest.map((line) => {
    const [dash, name, encoded, ...more] = line.split(" ");
    if (dash !== "\u2014" || !encoded || more.length > 0) throw wrong("a line that is no signature");
    checkKeyName(name);
    const raw = fromBase64(encoded);
    if (raw.length < 5) throw wrong("an empty signature");
    return { name, id: raw.slice(0, 4), signature: raw.slice(4) };
  });
  return { text: data.slice(0, split + 1), lines };
}

/** C2SP tlog-checkpoint: origin, size, root, and further lines. */
function parseCheckpoint(text) {
  const [origin, size, root, ...more] = text.split("\n");
  const wrong = (what) => corrupt("checkpoint_malformed", what);
  if (!origin || root === undefined || more.pop() !== "" || more.includes("")) throw wrong("not origin, size and root");
  const hash = /^[A-Za-z0-9+/]{43}=$/.test(root) ? fromBase64(root) : [];
  if (hash.length !== 32) throw wrong("the root does not have 32 bytes");
  return { origin, size: parseDecimal(size, "size", "checkpoint_malformed"), root: hash };
}

function checkKeyName(name) {
  if (!name || /[\s+\0-\x1f]/u.test(name)) throw corrupt("vkey_malformed", "not a key name");
}

/** A C2SP verifier key: name+id+base64(type || key). */
async function parseVkey(vkey) {
  const [name, id] = vkey.split("+", 2);
  checkKeyName(name);
  const data = fromBase64(vkey.slice(name.length + (id ?? "").length + 2));
  const [type, raw] = [data[0], data.slice(1)];
  const computed = (await sha256(join(utf8(`${name}\n`), data))).slice(0, 4);
  const length = { [ED25519]: 32, [COSIGNATURE]: 32, [MLDSA44]: 1312 }[type];
  if (hex(computed) !== id || raw.length !== length) throw corrupt("vkey_malformed", name.slice(0, 120));
  if (type !== MLDSA44 && !isEd25519Key(raw)) throw corrupt("vkey_malformed", "not a point of the prime-order group");
  return { vkey, name, id: computed, type, raw };
}

// ---- 7: witnesses ------------------------------------------------------------------------------------------

/** Whether as many cosigners as the policy asks for have seen the checkpoint, at no earlier time than its entries. */
async function checkWitnesses(run, policy) {
  if (policy.quorum === null) return false;
  const note = parseNote(run.pack.checkpoint);
  const latest = new Map();
  for (const line of note.lines) {
    const witness = policy.witnesses.find(({ key }) => key.name === line.name && same(key.id, line.id));
    if (!witness) continue;
    if (witness.key.type === MLDSA44) {
      run.remarks.push(`the cosignature of ${line.name}, of type 0x06 (ML-DSA-44)`);
      continue;
    }
    const time = await cosigned(note.text, line, witness.key);
    if (!(latest.get(witness.name) >= time)) latest.set(witness.name, time);
  }
  const seen = [...latest].map(([name, time]) => ({ name, time }));
  const clock = (time) => (time + 1 + SKEW_S + run.charter.clock) * 1e6;
  const later = (time) => run.acts.find((act) => act.time > clock(time)) ?? null;
  const fitting = seen.filter(({ time }) => later(time) === null);
  if (isMet(policy, seen) && !isMet(policy, fitting)) {
    const earliest = Math.min(...seen.map(({ time }) => time));
    throw corrupt("entry_time_beyond", "witnesses had seen it before", later(earliest).index);
  }
  run.witnesses = seen;
  return isMet(policy, fitting);
}

async function cosigned(text, line, key) {
  const time = line.signature.length > 8 ? numberOf(line.signature.slice(0, 8)) : 0n;
  const message = utf8(`cosignature/v1\ntime ${time}\n${text}`);
  const holds = time > 0n && time < 2n ** 53n && (await verifies("Ed25519", key.raw, message, line.signature.slice(8)));
  if (!holds) throw corrupt("note_signature_invalid", `by ${line.name}`);
  return Number(time);
}

function isMet(policy, seen) {
  const met = new Map(policy.witnesses.map(({ name }) => [name, seen.some((one) => one.name === name)]));
  for (const { name, least, members } of policy.groups) {
    met.set(name, members.filter((member) => met.get(member)).length >= least);
  }
  return met.get(policy.quorum) === true;
}

/** C2SP tlog-policy. */
async function parsePolicy(text) {
  const policy = { logs: [], witnesses: [], groups: [], quorum: undefined };
  const names = new Set(["none"]);
  const members = new Set();
  const keys = new Set();
  const lines = text.split("\n");
  for (const [at, line] of lines.entries()) {
    const words = line.split(/[ \t]+/).filter((word) => word !== "");
    if (words.length === 0 || words[0].startsWith("#")) continue;
    const known = await policyLine(policy, names, members, keys, words).catch((wrong) => {
      throw wrong instanceof Finding ? corrupt("policy_malformed", `line ${at + 1}: ${wrong.detail}`) : wrong;
    });
    if (!known) throw corrupt("policy_malformed", `line ${at + 1}`);
  }
  if (policy.quorum === undefined || lines.length > 1000) throw corrupt("policy_malformed", "not one quorum line");
  return policy;
}

/** Take one line; false where it is none of a policy's. */
async function policyLine(policy, names, members, keys, [word, ...rest]) {
  const [name, second, ...more] = rest;
  if (word === "log" && (rest.length === 1 || rest.length === 2)) {
    const key = await policyKey(keys, name, "log");
    policy.logs.push(key);
    return key.type === ED25519 || key.type === MLDSA44;
  }
  if (word === "witness" && (rest.length === 2 || rest.length === 3) && !names.has(name)) {
    const key = await policyKey(keys, second, "witness");
    policy.witnesses.push({ name, key });
    names.add(name);
    return key.type === COSIGNATURE || key.type === MLDSA44;
  }
  if (word === "group" && more.length > 0 && !names.has(name)) {
    const least = { any: 1, all: more.length }[second] ?? (/^[1-9][0-9]{0,5}$/.test(second) ? Number(second) : Infinity);
    const fits = least <= more.length && more.every((one) => one !== "none" && names.has(one) && !members.has(one));
    more.forEach((one) => members.add(one));
    policy.groups.push({ name, least, members: more });
    names.add(name);
    return fits && new Set(more).size === more.length;
  }
  if (word === "quorum" && rest.length === 1 && policy.quorum === undefined && names.has(name)) {
    policy.quorum = name === "none" ? null : name;
    return true;
  }
  return false;
}

async function policyKey(keys, vkey, side) {
  const key = await parseVkey(vkey);
  const named = `${side} ${hex(key.raw)}`;
  if (keys.has(named)) throw corrupt("policy_malformed", "a key stands there twice");
  keys.add(named);
  return key;
}
