// Cadastre audit pack, part 5 of 5: what a reader sees. Whatever comes out of a pack is put on the page as text.

const MEANINGS = {
  consistent: ["一致", "Every signature, proof and link in this file holds, under one checkpoint that the log signed."],
  witnessed: ["已见证", "Every signature, proof and link in this file holds, and the witnesses that the policy asks for have cosigned the checkpoint: they saw this very history."],
  diverged: ["分叉", "The log signed two histories of one size. Keep both checkpoints: together they are the proof."],
  corrupt: ["损坏", "Something in this file does not hold. Do not rely on it."],
  newer: ["版本较新", "A later release made this, by rules or in a form that this page does not know. That accuses nobody."],
};
const NO_VERDICT = ["无结论", "This browser cannot check what has to be checked. Use another one, or: cadastre verify FILE"];

const at = (id) => document.getElementById(id);
let shownData = at("pack").textContent;

function put(id, ...children) {
  at(id).replaceChildren(...children);
}

function make(tag, content = "", className = "") {
  const made = document.createElement(tag);
  made.append(...[content].flat());
  if (className) made.className = className;
  return made;
}

// ---- The verdict -------------------------------------------------------------------------------------------

/** Judge what is shown, under what the reader has put in, and show what comes of it. */
async function judgeShown() {
  const policy = at("policy").value.trim() ? at("policy").value : null;
  const kept = at("known").value.trim();
  try {
    if (policy !== null) await parsePolicy(policy);
  } catch (wrong) {
    put("said", `Your policy is not one: ${wrong.detail ?? wrong.message}`);
    return;
  }
  put("said");
  try {
    show(await judge(shownData, { policy, known: kept ? [`${kept}\n`] : [] }), policy !== null);
  } catch (wrong) {
    showWord("no verdict", wrong instanceof NoVerdict ? NO_VERDICT : ["", "The page itself failed."], wrong.message, []);
    document.body.dataset.verdict = "none";
  }
}

function showWord(word, [gloss, meaning], line, remarks) {
  at("verdict").className = word;
  put("word", word, make("small", gloss));
  put("meaning", meaning);
  put("line", line);
  put("remarks", ...remarks.map((remark) => make("li", remark)));
}

function show(found, ownPolicy) {
  const { word, index, reason, detail } = found;
  const remarks = [];
  const proven = word === "consistent" || word === "witnessed";
  if (!proven && reason) remarks.push(`${index === null ? "" : `Entry ${index}: `}${reason}${detail ? `, ${detail}` : ""}`);
  if (word === "consistent") {
    remarks.push(reason ? "Too few of the witnesses that the policy asks for have seen it." : "No witness was asked for.");
  }
  if (!(ownPolicy && found.isNamed) && (proven || word === "diverged")) {
    remarks.push("No policy of yours names a key of this log: that its key is the right one is not checked.");
  }
  if (proven && found.pack.subjects.length > 0) {
    remarks.push("The latest acts on its subjects can have been left out: cadastre prove ID proves how each stands.");
  }
  const about = found.byIndex.get(found.pack?.index);
  for (const { party, index: told } of proven ? toldOf(found.voices, about) : []) {
    remarks.push(`The keys of ${party} are told up to entry ${told}: other entries that ended one, or declared it compromised, can have been left out.`);
  }
  if (proven && isDoubtful(found.voices, about)) {
    remarks.push("The key that signed it is said to be compromised since then or before: it may have been somebody else.");
  }
  for (const { id } of proven ? mandatesOf(found.voices, about).filter(({ revoked }) => revoked === null) : []) {
    remarks.push(`That ${id} was revoked can have been left out: cadastre show ${id}`);
  }
  if (proven && isDoubtfulUnder(found.voices, about)) {
    remarks.push("A delegation under which it was done is said to be compromised since then or before, or was given with a key that is: it may have been somebody else.");
  }
  remarks.push(...found.uncompared.map((size) => `A checkpoint of size ${size} beside it is not compared.`));
  remarks.push(...found.remarks.map((what) => `Not checked by this page: ${what}. cadastre verify checks it.`));
  remarks.push(...(found.compared ?? []).map((what) => `The checkpoint you kept: ${what}.`));
  showWord(word, MEANINGS[word], found.line, remarks);
  put("policy-of", found.pack?.policy ? "the one that came with the file" : "none");
  const names = namesOf(found);
  showAbout(found);
  showBehind(found, names, ownPolicy);
  put("acts", ...(found.pack?.entries ?? []).map((piece, place) => rowOf(found, piece, found.acts[place], names, place)));
  document.body.dataset.verdict = word;
}

// ---- Who and what ------------------------------------------------------------------------------------------

function showAbout({ pack, byIndex }) {
  const act = byIndex.get(pack?.index);
  const about = act ? `entry ${act.index} of ${act.origin}: ${act.claims.kind}, on ${subjectOf(act)}` : "";
  const meant = pack ? `It says that it is about entry ${pack.index} of ${pack.origin}.` : "Nothing that can be read.";
  put("about", about || meant);
}

/** DID -> makes how its bearer is called in the pack: what the charter says is marked, what they say is quoted. */
function namesOf({ acts, charter, voices }) {
  const names = new Map();
  for (const { claims, shown } of acts) {
    if (claims.kind !== "party.joined") continue;
    const { name } = claims.body;
    const hidden = isObject(name);
    if (hidden && !shown.has("/name")) names.set(claims.iss, () => ["name withheld"]);
    else names.set(claims.iss, () => [...quoted(hidden ? shown.get("/name") : name), hidden ? " (disclosed)" : ""]);
  }
  for (const { dids } of voices?.parties.values() ?? []) {
    for (const did of dids.slice(1)) names.set(did, names.get(dids[0]));
  }
  for (const role of charter ? ["governance", "service"] : []) {
    const called = names.get(charter[role]) ?? (() => []);
    names.set(charter[role], () => [make("b", `${role} of the ledger`, "role"), " ", ...called()]);
  }
  return (did) => names.get(did)?.() ?? [];
}

/** What somebody calls themselves, kept apart from what stands beside it, whichever way it is written. */
function quoted(name) {
  return ["\u201c", make("bdi", String(name)), "\u201d"];
}

function showBehind({ pack, acts, byIndex, charter, checkpoint, witnesses, voices }, names, ownPolicy) {
  const pairs = [];
  const act = byIndex.get(pack?.index);
  if (act) {
    pairs.push([act.claims.via ? "Done for" : "Signed by", [...names(act.claims.iss), ` ${act.claims.iss}`]]);
    if (act.claims.via) pairs.push(["Signed by", [...names(act.did), ` ${act.did}`]]);
    pairs.push(...mandatesOf(voices, act).map((one) => ["Under the delegation", [toldMandate(one, byIndex, names)]]));
    pairs.push(["Statement id", act.id]);
  }
  for (const { dids, keys, told } of voices.parties.values()) {
    const head = make("div", [...names(dids[0]), " ", dids.join(", then ")]);
    pairs.push(["Signer's key history", [head, ...keys.map((key) => make("div", toldKey(key))), make("div", `told up to entry ${told}`)]]);
  }
  if (charter) pairs.push(["Charter (entry 0)", charter.audience], ["Log key in force", charter.logKeys.at(-1)]);
  if (charter) pairs.push(...charter.logKeys.slice(0, -1).map((key) => ["Former log key", key]));
  if (checkpoint) pairs.push(["Checkpoint", `${checkpoint.size} entries, root ${base64(checkpoint.root)}`]);
  for (const { name, time } of witnesses) pairs.push(["Witnessed by", `${name}, ${instant(time * 1e6)}`]);
  pairs.push(["Policy", ownPolicy ? "yours" : pack?.policy ? "came with the file, chosen by whoever made it" : "none"]);
  if (acts.length > 0) pairs.push(["Acts that hold", `${acts.length} of ${pack.entries.length}`]);
  put("behind", ...pairs.flatMap(([name, value]) => [make("dt", name), make("dd", value, "mono")]));
}

/** A key of a signer's, as far as the pack shows it. */
function toldKey({ key, index, ended, compromised }) {
  const end = ended === undefined ? "" : `, until entry ${ended}`;
  const doubt = compromised === undefined ? "" : `, said to be compromised since entry ${compromised}`;
  return `${key} from entry ${index}${end}${doubt}`;
}

/** A delegation of a chain: who gave it to whom, and its bounds, which this page does not judge. */
function toldMandate({ id, index, to, revoked, compromised }, byIndex, names) {
  const { claims, did, shown } = byIndex.get(index);
  const { powers, until } = claims.body;
  const doubt = compromised === undefined ? "" : `, doubtful from entry ${compromised} on`;
  const end = revoked === null ? "" : `; revoked by entry ${revoked}${doubt}`;
  const bounds = `for ${pretty(powers, "/powers", shown)}, until ${instant(until * 1e6)}${end}`;
  return make("div", [`${id}, entry ${index}: by `, ...names(did), ` ${did} to `, ...names(to), ` ${to} ${bounds}`]);
}

/** The subject an act is about: one that was there, or the first that it opens. */
function subjectOf({ claims, opened }) {
  return claims.sub ?? opened[0] ?? "";
}

function rowOf(found, piece, act, names, place) {
  if (!act) {
    const fails = found.word === "corrupt" && place === found.acts.length;
    const cell = make("td", fails ? "does not hold" : "not looked at");
    cell.colSpan = 3;
    return make("tr", [make("td", "?"), cell, make("td", rawOf(piece.entry))], fails ? "fails" : "unread");
  }
  const { index, time, claims } = act;
  const who = [make("div", names(claims.iss)), make("div", claims.iss, "mono")];
  if (claims.via) who.push(make("div", [`by ${act.did} under `, ...chainOf(found, act)], "mono"));
  const what = make("details", [make("summary", claims.kind), make("pre", pretty(claims.body, "", act.shown)), rawOf(act.raw)]);
  const cells = [String(index), instant(time), who, what, make("span", subjectOf(act), "mono")];
  const row = make("tr", cells.map((cell) => make("td", cell)));
  const wrong = found.word === "corrupt" && index === found.index;
  row.className = wrong ? "fails" : index === found.pack.index ? "asked" : "";
  return row;
}

function chainOf({ voices }, act) {
  const chain = mandatesOf(voices, act).map(({ index }) => `entry ${index}`);
  return [chain.length > 0 ? chain.join(", ") : `delegation ${act.claims.via}`];
}

function rawOf(entry) {
  return make("details", [make("summary", "raw bytes"), make("pre", entry)]);
}

/** Microseconds as an instant: 2030-12-31 23:59:59.123456 */
function instant(micros) {
  const date = new Date(Math.floor(micros / 1e6) * 1000);
  if (Number.isNaN(date.getTime())) return String(micros);
  return `${date.toISOString().slice(0, 19).replace("T", " ")}.${String(micros % 1e6).padStart(6, "0")}`;
}

/** JSON as people read it; a private value is withheld, or marked as disclosed. */
function pretty(value, pointer, shown, indent = "") {
  if (isObject(value) && "_sd" in value) {
    return shown.has(pointer) ? `${pretty(shown.get(pointer), "", new Map(), indent)} (disclosed)` : "withheld";
  }
  if (!isObject(value) && !Array.isArray(value)) return JSON.stringify(value);
  const inner = `${indent}  `;
  const lines = Object.entries(value).map(([name, item]) => {
    const step = name.replaceAll("~", "~0").replaceAll("/", "~1");
    const label = Array.isArray(value) ? "" : `${name}: `;
    return `${inner}${label}${pretty(item, `${pointer}/${step}`, shown, inner)}`;
  });
  const [open, close] = Array.isArray(value) ? "[]" : "{}";
  return lines.length === 0 ? open + close : [open, ...lines, `${indent}${close}`].join("\n");
}

// ---- Another pack ------------------------------------------------------------------------------------------

const OPENS = ["<script id=", "pack", " type=", "application/json", ">"].join('"');
const CLOSES = ["<", "/script>"].join("");
const AROUND = document.querySelector("meta[name=around]").content;

/** What stands before, in and after the one element with the data of a pack; null where there is none, or more. */
function partsOf(page) {
  const [head, found, ...more] = page.split(OPENS);
  const end = found === undefined || more.length > 0 ? -1 : found.indexOf(CLOSES);
  return end < 0 ? null : [head + OPENS, found.slice(0, end), found.slice(end)];
}

/** Whether a page is, to the byte, this one around other data. */
async function isAlike([head, , tail]) {
  const marked = (digest) => `<meta name="around" content="${digest}">`;
  const [before, after, ...more] = head.split(marked(AROUND));
  if (after === undefined || more.length > 0) return false;
  return hex(await sha256(utf8(before + marked("") + after + tail))) === AROUND;
}

async function openOther(file) {
  if (!file) return;
  const bytes = new Uint8Array(await file.arrayBuffer());
  let parts = null;
  try {
    parts = partsOf(textOf(bytes));
  } catch {
    // not UTF-8
  }
  if (parts === null) {
    put("said", `${file.name} is no pack.`);
    return;
  }
  shownData = parts[1];
  await judgeShown();
  const alike = await isAlike(parts);
  put("said", `Shown is ${file.name}, judged by this page. Around its data it is ${alike ? "the same page" : "ANOTHER page: do not believe what it shows"}.`);
}

at("again").addEventListener("click", judgeShown);
at("other").addEventListener("change", ({ target }) => openOther(target.files[0]));
document.addEventListener("dragover", (event) => event.preventDefault());
document.addEventListener("drop", (event) => {
  event.preventDefault();
  openOther(event.dataTransfer.files[0]);
});

(async () => {
  try {
    put("script-digest", hex(await sha256(utf8(at("verify").textContent))));
  } catch {
    put("script-digest", "cannot be told by this browser");
  }
  await judgeShown();
})();
