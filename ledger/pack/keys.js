// Cadastre audit pack, part 2 of 5: public keys and signatures. Signatures are verified by the browser (WebCrypto);
// what it does not look at is checked here: that an Ed25519 key is a canonical point of prime order, as libsodium
// asks for, and the point that a compressed P-256 key stands for.

/** The browser lacks what a judgement needs: then there is no verdict, neither good nor bad. */
class NoVerdict extends Error {}

async function checkBrowser() {
  if (!globalThis.crypto?.subtle) throw new NoVerdict("this browser offers no WebCrypto on a page opened like this");
  try {
    const key = new Uint8Array(32);
    key[0] = 0x58;
    key.fill(0x66, 1); // the base point
    await crypto.subtle.importKey("raw", key, "Ed25519", true, ["verify"]);
  } catch {
    throw new NoVerdict("this browser cannot verify Ed25519 signatures");
  }
}

// ---- Curves ------------------------------------------------------------------------------------------------

function modulo(value, prime) {
  const rest = value % prime;
  return rest < 0n ? rest + prime : rest;
}

function power(base, exponent, prime) {
  let [result, square] = [1n, modulo(base, prime)];
  for (let left = exponent; left > 0n; left >>= 1n) {
    if (left & 1n) result = (result * square) % prime;
    square = (square * square) % prime;
  }
  return result;
}

function numberOf(bytes) {
  return BigInt(`0x${hex(bytes)}`);
}

const P25519 = 2n ** 255n - 19n;
const ORDER25519 = 2n ** 252n + 27742317777372353535851937790883648493n;
const D25519 = modulo(-121665n * power(121666n, P25519 - 2n, P25519), P25519);

/** The point of an Ed25519 key as [x, y, z, t], or null where these bytes are no canonical one (RFC 8032, 5.1.3). */
function pointOf(raw) {
  const bytes = Uint8Array.from(raw).reverse();
  const sign = BigInt(bytes[0] >> 7);
  bytes[0] &= 0x7f;
  const y = numberOf(bytes);
  if (y >= P25519) return null;
  const u = modulo(y * y - 1n, P25519);
  const v = modulo(D25519 * y * y + 1n, P25519);
  const square = modulo(u * power(v, P25519 - 2n, P25519), P25519);
  let x = power(square, (P25519 + 3n) / 8n, P25519);
  if (modulo(x * x, P25519) !== square) x = modulo(x * power(2n, (P25519 - 1n) / 4n, P25519), P25519);
  if (modulo(x * x, P25519) !== square || (x === 0n && sign === 1n)) return null;
  if ((x & 1n) !== sign) x = P25519 - x;
  return [x, y, 1n, modulo(x * y, P25519)];
}

/** RFC 8032, section 5.1.4. */
function add([x1, y1, z1, t1], [x2, y2, z2, t2]) {
  const [a, b] = [modulo((y1 - x1) * (y2 - x2), P25519), modulo((y1 + x1) * (y2 + x2), P25519)];
  const [c, d] = [modulo(2n * t1 * t2 * D25519, P25519), modulo(2n * z1 * z2, P25519)];
  const [e, f, g, h] = [b - a, d - c, d + c, b + a];
  return [modulo(e * f, P25519), modulo(g * h, P25519), modulo(f * g, P25519), modulo(e * h, P25519)];
}

function isNeutral([x, y, z]) {
  return x === 0n && y === z;
}

/** Whether these 32 bytes are a key: a canonical point of the prime-order group that is not its neutral element. */
function isEd25519Key(raw) {
  const point = raw.length === 32 ? pointOf(raw) : null;
  if (point === null || isNeutral(point)) return false;
  let [sum, double] = [[0n, 1n, 1n, 0n], point];
  for (let left = ORDER25519; left > 0n; left >>= 1n) {
    if (left & 1n) sum = add(sum, double);
    double = add(double, double);
  }
  return isNeutral(sum);
}

const P256 = 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n;
const B256 = 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn;

/** The uncompressed spelling of a compressed P-256 key (SEC 1, 2.3), null where these bytes are none. */
function uncompressed(raw) {
  const x = raw.length === 33 ? numberOf(raw.slice(1)) : P256;
  if (x >= P256 || (raw[0] !== 2 && raw[0] !== 3)) return null;
  const square = modulo(x ** 3n - 3n * x + B256, P256);
  let y = power(square, (P256 + 1n) / 4n, P256);
  if ((y * y) % P256 !== square) return null;
  if ((y & 1n) !== BigInt(raw[0] & 1)) y = P256 - y;
  const digits = y.toString(16).padStart(64, "0");
  return join([4], raw.slice(1), Uint8Array.from(digits.match(/../g), (pair) => parseInt(pair, 16)));
}

// ---- Signatures --------------------------------------------------------------------------------------------

const keysMade = new Map();

/** A key of the browser's for raw bytes. Throws where they are no key; made once for each. */
function keyFor(algorithm, raw, index) {
  const name = `${algorithm} ${hex(raw)}`;
  if (!keysMade.has(name)) keysMade.set(name, importKey(algorithm, raw));
  return keysMade.get(name).then((key) => {
    if (key === null) throw corrupt("public_key_invalid", algorithm, index);
    return key;
  });
}

async function importKey(algorithm, raw) {
  const ed25519 = algorithm === "Ed25519";
  const spelt = ed25519 ? (isEd25519Key(raw) ? raw : null) : uncompressed(raw);
  if (spelt === null) return null;
  const asked = ed25519 ? "Ed25519" : { name: "ECDSA", namedCurve: "P-256" };
  return crypto.subtle.importKey("raw", spelt, asked, true, ["verify"]);
}

const NEUTRAL = Uint8Array.from({ length: 32 }, (_, at) => (at === 0 ? 1 : 0));

/** Whether a signature of 64 bytes is this key's over a message. */
async function verifies(algorithm, raw, message, signature, index = null) {
  const key = await keyFor(algorithm, raw, index);
  if (signature.length !== 64) return false;
  if (algorithm === "Ed25519" && same(signature.slice(0, 32), NEUTRAL)) return false; // as libsodium has it
  const asked = algorithm === "Ed25519" ? "Ed25519" : { name: "ECDSA", hash: "SHA-256" };
  return crypto.subtle.verify(asked, key, signature, message);
}

// ---- did:key -----------------------------------------------------------------------------------------------

const BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

function fromBase58(text) {
  let number = 0n;
  for (const letter of text) {
    const value = BASE58.indexOf(letter);
    if (value < 0) throw corrupt("did_malformed", "not base58btc");
    number = number * 58n + BigInt(value);
  }
  const zeros = text.length - text.replace(/^1+/, "").length;
  const digits = number === 0n ? "" : number.toString(16);
  const pairs = digits.padStart(digits.length + (digits.length % 2), "0").match(/../g) ?? [];
  return join(new Uint8Array(zeros), Uint8Array.from(pairs, (pair) => parseInt(pair, 16)));
}

const KEY_URL = /^did:key:(z[1-9A-Za-z]{1,500})#(z[1-9A-Za-z]{1,500})$/;
const WEBVH_URL = /^did:webvh:Qm[1-9A-HJ-NP-Za-km-z]{44}:((?:[A-Za-z0-9._:-]|%[0-9A-Fa-f]{2})+)#(z[1-9A-Za-z]{1,500})$/;

/** The algorithm and raw key that a DID URL spells: did:key:z…#z… (W3C CCG did:key), or did:webvh:…#z…. */
function keyNamed(url) {
  const parts = KEY_URL.exec(url) ?? WEBVH_URL.exec(url);
  const fits = parts !== null && (url.startsWith("did:key:") ? parts[1] === parts[2] : isPlace(parts[1]));
  if (!fits || url.indexOf("#") > 512 || url.length > 1024) throw corrupt("did_malformed", url.slice(0, 120));
  const data = fromBase58(parts[2].slice(1));
  if (data[0] === 0xed && data[1] === 0x01) return ["Ed25519", data.slice(2)];
  if (data[0] === 0x80 && data[1] === 0x24) return ["ES256", data.slice(2)];
  throw corrupt("did_key_type_unsupported", url.slice(0, 120));
}

/** Whether a part of a DID is HOST[%3APORT][:SEGMENT…], the host a name with a dot in it. */
function isPlace(text) {
  const [domain, ...path] = text.split(":");
  const [, host, port] = /^(.*?)(?:%3[Aa]([0-9]{1,5}))?$/.exec(domain);
  if (port !== undefined && !(Number(port) > 0 && Number(port) < 65536)) return false;
  try {
    const labels = decodeURIComponent(host).toLowerCase().split(".");
    const name = (label) => /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(label) || /[^\0-\x7f]/.test(label);
    const numbered = /^([0-9]+|0x[0-9a-f]*)$/.test(labels.at(-1));
    if (labels.length < 2 || numbered || labels.join(".").length > 253 || !labels.every(name)) return false;
    return path.map(decodeURIComponent).every((one) => !["", ".", ".."].includes(one) && !/[/\\\0]/.test(one) && one === one.trim());
  } catch {
    return false;
  }
}
