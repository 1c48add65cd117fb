// Cadastre audit pack, part 1 of 5: bytes and their spellings. Every reader here accepts exactly one spelling.
"use strict";

const UTF8 = new TextEncoder();

/** What a judgement ends in before its end: a verdict, the code of what is wrong, and the entry it concerns. */
class Finding extends Error {
  constructor(word, reason, detail = "", index = null) {
    super(`${word}: ${reason}: ${detail}`);
    Object.assign(this, { word, reason, detail, index });
  }
}

function corrupt(reason, detail = "", index = null) {
  return new Finding("corrupt", reason, detail, index);
}

function utf8(text) {
  return UTF8.encode(text);
}

function textOf(bytes) {
  return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
}

function join(...parts) {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function same(a, b) {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}

function hex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function sha256(bytes) {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}

/** Padded base64 (RFC 4648 section 4). */
function base64(bytes) {
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}

function fromBase64(text) {
  const found = fromLetters(text);
  if (found === null || base64(found) !== text) throw corrupt("pack_malformed", "not base64 in its one spelling");
  return found;
}

/** base64url without padding (RFC 7515 section 2). */
function base64url(bytes) {
  return base64(bytes).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function fromBase64url(text) {
  const found = fromLetters(text.replaceAll("-", "+").replaceAll("_", "/"));
  if (found === null || base64url(found) !== text) {
    throw corrupt("base64url_malformed", "not base64url in its one spelling");
  }
  return found;
}

function fromLetters(letters) {
  try {
    return Uint8Array.from(atob(letters), (letter) => letter.charCodeAt(0));
  } catch {
    return null;
  }
}

const DEPTH_MAX = 32;

/** The RFC 8785 spelling of a value, on the subset that statements use: ASCII names, integers below 2^53. */
function canonical(value, depth = 0) {
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value === "number") {
    if (!Number.isSafeInteger(value)) throw corrupt("json_float", "a number that is no integer below 2^53");
    return String(value);
  }
  if (typeof value === "string") {
    if (/\p{Surrogate}/u.test(value)) throw corrupt("json_malformed", "half of a surrogate pair");
    return JSON.stringify(value);
  }
  if (depth === DEPTH_MAX) throw corrupt("json_too_deep");
  if (Array.isArray(value)) return `[${value.map((item) => canonical(item, depth + 1)).join(",")}]`;
  const names = Object.keys(value).sort();
  if (names.some((name) => !/^[\0-\x7f]*$/.test(name))) throw corrupt("json_key_not_ascii");
  return `{${names.map((name) => `${JSON.stringify(name)}:${canonical(value[name], depth + 1)}`).join(",")}}`;
}

/** The value that a text spells, if that is its canonical spelling: so no name stands twice. */
function parseCanonical(text, respell = (spelt) => spelt) {
  let value;
  try {
    value = JSON.parse(text);
  } catch (wrong) {
    throw corrupt("json_malformed", wrong.message);
  }
  if (respell(canonical(value)) !== text) throw corrupt("json_not_canonical");
  return value;
}

function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A decimal number in its one spelling. */
function parseDecimal(text, what, reason) {
  const number = Number(text);
  if (!/^(0|[1-9][0-9]{0,15})$/.test(text) || !Number.isSafeInteger(number)) throw corrupt(reason, what);
  return number;
}
