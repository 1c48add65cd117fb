// Ours against implementations we did not write, as the npm registry has them: each issues, the other verifies.
import * as jcs from '@digitalbazaar/eddsa-jcs-2022-cryptosuite';
import * as statusList from '@digitalbazaar/vc-bitstring-status-list';
import * as vc from '@digitalbazaar/vc';
import * as jose from 'jose';
import * as Ed25519Multikey from '@digitalbazaar/ed25519-multikey';
import * as didKey from '@digitalbazaar/did-method-key';
import {contexts as credentialContexts} from '@digitalbazaar/credentials-context';
import {DataIntegrityProof} from '@digitalbazaar/data-integrity';
import jsigs from 'jsonld-signatures';
import assert from 'node:assert/strict';
import {ECDH} from 'node:crypto';

const {BASE_URL: base, ISSUER: issuer} = process.env;
const V2 = 'https://www.w3.org/ns/credentials/v2';
const UNDEFINED_TERMS = 'https://www.w3.org/ns/credentials/undefined-terms/v2';

const driver = didKey.driver();
driver.use({multibaseMultikeyHeader: 'z6Mk', fromMultibase: Ed25519Multikey.from});

async function documentLoader(url) {
  if(url.startsWith('did:key:')) {
    return {documentUrl: url, document: await driver.get({did: url})};
  }
  const document = credentialContexts.get(url);
  assert.ok(document, `nothing is fetched: ${url}`);
  return {documentUrl: url, document};
}

async function post(path, said) {
  const answer = await fetch(base + path, {
    method: 'POST', headers: {'Content-Type': 'application/json'}, body: JSON.stringify(said)});
  return {status: answer.status, ...await answer.json()};
}

function credential(changes = {}) {
  return {
    '@context': [V2], id: `urn:uuid:${crypto.randomUUID()}`, type: ['VerifiableCredential'], issuer,
    validFrom: '2026-01-01T00:00:00Z', credentialSubject: {id: 'did:example:1', name: '沈阳叶片厂 <&> \u2028 "ü"'},
    ...changes
  };
}

async function signer(seed = 3) {
  const key = await Ed25519Multikey.generate({seed: new Uint8Array(32).fill(seed)});
  const did = `did:key:${key.publicKeyMultibase}`;
  key.controller = did;
  key.id = `${did}#${key.publicKeyMultibase}`;
  return {did, key, sign: key.signer()};
}

async function issueTheirs(changes = {}) {
  const {did, sign} = await signer();
  const suite = new DataIntegrityProof({signer: {...sign, id: `${did}#${did.slice(8)}`},
    cryptosuite: jcs.createSignCryptosuite()});
  return vc.issue({credential: credential({issuer: did, ...changes}), suite, documentLoader});
}

const verifying = () => new DataIntegrityProof({cryptosuite: jcs.createVerifyCryptosuite()});
const issueOurs = async (changes, options = {}) =>
  (await post('/credentials/issue', {credential: credential(changes), options})).verifiableCredential;
const verifyOurs = (verifiableCredential, options = {}) =>
  post('/credentials/verify', {verifiableCredential, options});

const mutations = {
  'a changed claim': d => { d.credentialSubject.name = 'x'; },
  'a context taken away': d => { d['@context'] = [V2]; },
  'a later proof': d => { d.proof.created = '2027-01-01T00:00:00Z'; },
  'another purpose': d => { d.proof.proofPurpose = 'authentication'; },
  'another issuer': d => { d.issuer = 'did:key:z6MkhTNL7i2etLerDK8Acz5t528giE5KA4p75T6ka1E1D74r'; },
  'a changed signature': d => {
    const last = d.proof.proofValue.at(-1) === '2' ? '3' : '2';
    d.proof.proofValue = d.proof.proofValue.slice(0, -1) + last;
  }
};

describe('eddsa-jcs-2022, by @digitalbazaar/eddsa-jcs-2022-cryptosuite', function() {
  it('verifies what ours issues', async function() {
    const issued = await issueOurs();
    const result = await vc.verifyCredential({credential: issued, suite: verifying(), documentLoader});
    assert.equal(result.verified, true, JSON.stringify(result.error));
  });
  it('issues what ours verifies', async function() {
    assert.equal((await verifyOurs(await issueTheirs())).status, 200);
  });
  it('issues, with numbers and keys that only RFC 8785 spells in one way, what ours verifies', async function() {
    const odd = {'@context': [V2, {'@vocab': 'https://works.example/#'}],
      credentialSubject: {id: 'did:example:1', '重量': 1e21, small: 1e-7, half: 0.5, zero: -0, '\ud83d\ude00': 1, '\ufb33': 2}};
    assert.equal((await verifyOurs(await issueTheirs(odd))).status, 200);
  });
  for(const [name, change] of Object.entries(mutations)) {
    it(`and ours both refuse ${name}`, async function() {
      const ours = await issueOurs({'@context': [V2, UNDEFINED_TERMS]});
      change(ours);
      const result = await vc.verifyCredential({credential: ours, suite: verifying(), documentLoader});
      assert.equal(result.verified, false);
      const theirs = await issueTheirs({'@context': [V2, UNDEFINED_TERMS]});
      change(theirs);
      assert.equal((await verifyOurs(theirs)).status, 400);
    });
  }
});

describe('presentations, by @digitalbazaar/vc', function() {
  const asked = {challenge: '7f1c0a52', domain: 'bank.example'};
  it('ours are verified', async function() {
    const presentation = {verifiableCredential: [await issueOurs()]};
    const {verifiablePresentation} = await post('/presentations/prove', {presentation, options: asked});
    const result = await vc.verify({presentation: verifiablePresentation, suite: verifying(), documentLoader, ...asked});
    assert.equal(result.verified, true, JSON.stringify(result));
  });
  it('theirs are verified by ours, for this challenge and domain alone', async function() {
    const {did, sign} = await signer();
    const presentation = vc.createPresentation({verifiableCredential: [await issueTheirs()], holder: did});
    const suite = new DataIntegrityProof({signer: {...sign, id: `${did}#${did.slice(8)}`},
      cryptosuite: jcs.createSignCryptosuite()});
    const purpose = new jsigs.purposes.AuthenticationProofPurpose(asked);
    const shown = await vc.signPresentation({presentation, suite, purpose, documentLoader, ...asked});
    const status = async options =>
      (await post('/presentations/verify', {verifiablePresentation: shown, options})).status;
    assert.equal(await status(asked), 200);
    assert.equal(await status({...asked, challenge: 'other'}), 400);
    assert.equal(await status({...asked, domain: 'thief.example'}), 400);
  });
});

describe('JWTs, by jose', function() {
  for(const [alg, did] of [['Ed25519', issuer], ['ES256', process.env.ISSUER_P256]]) {
    it(`ours verify, signed with ${alg}`, async function() {
      const said = credential({issuer: did});
      const {verifiableCredential: wrapped} = await post('/credentials/issue',
        {credential: said, options: {envelope: alg}});
      const jwt = wrapped.id.split(',')[1];
      const {kid, typ} = jose.decodeProtectedHeader(jwt);
      assert.equal(typ, 'vc+jwt');
      const {payload} = await jose.compactVerify(jwt, await publicKey(kid, alg), {algorithms: [alg]});
      assert.deepEqual(JSON.parse(new TextDecoder().decode(payload)), said);
      assert.equal((await verifyOurs(wrapped)).status, 200);
    });
  }
  it('theirs, named EdDSA or Ed25519, are verified by ours', async function() {
    const {did, key} = await signer();
    const {publicKey: x, secretKey: d} = await key.export({publicKey: true, secretKey: true, raw: true});
    const b64 = bytes => Buffer.from(bytes).toString('base64url');
    for(const alg of ['EdDSA', 'Ed25519']) {
      const secret = await jose.importJWK({kty: 'OKP', crv: 'Ed25519', x: b64(x), d: b64(d.slice(0, 32))}, alg);
      const jwt = await new jose.CompactSign(Buffer.from(JSON.stringify(credential({issuer: did}), null, 1)))
        .setProtectedHeader({alg, typ: 'vc+jwt', kid: `${did}#${did.slice(8)}`}).sign(secret);
      const wrapped = {'@context': [V2], type: 'EnvelopedVerifiableCredential', id: `data:application/vc+jwt,${jwt}`};
      assert.equal((await verifyOurs(wrapped)).status, 200);
      wrapped.id = wrapped.id.slice(0, -6) + 'AAAAAA';
      assert.equal((await verifyOurs(wrapped)).status, 400);
    }
  });
  async function publicKey(kid, alg) {
    const multikey = Buffer.from(base58(kid.split('#')[1].slice(1)));
    if(alg === 'Ed25519') {
      return jose.importJWK({kty: 'OKP', crv: 'Ed25519', x: multikey.subarray(2).toString('base64url')}, alg);
    }
    const point = ECDH.convertKey(multikey.subarray(2), 'prime256v1', undefined, undefined, 'uncompressed');
    return jose.importJWK({kty: 'EC', crv: 'P-256', x: point.subarray(1, 33).toString('base64url'),
      y: point.subarray(33).toString('base64url')}, alg);
  }
});

describe('status lists, by @digitalbazaar/vc-bitstring-status-list', function() {
  const theirCheck = issued => statusList.checkStatus({credential: issued, suite: verifying(),
    verifyBitstringStatusListCredential: true, verifyMatchingIssuers: true,
    documentLoader: async url => url.startsWith(base) ?
      {documentUrl: url, document: await (await fetch(url)).json()} : documentLoader(url)});
  for(const statusPurpose of ['revocation', 'suspension']) {
    it(`reads ours: ${statusPurpose} before and after`, async function() {
      const issued = await issueOurs({}, {statusPurpose});
      assert.equal((await verifyOurs(issued)).status, 200);
      const unset = await theirCheck(issued);
      assert.equal(unset.verified, true, String(unset.error));
      assert.equal(unset.results[0].status, false);
      await post('/credentials/status',
        {credentialId: issued.id, credentialStatus: {type: 'BitstringStatusListEntry', statusPurpose}});
      assert.equal((await theirCheck(issued)).results[0].status, true);
      assert.equal((await verifyOurs(issued)).status, 400);
    });
  }
  it('makes lists that ours reads', async function() {
    const url = 'https://works.example/status/3';
    const list = await statusList.createList({length: 131072});
    list.setStatus(94567, true);
    const {credentialSubject} = await statusList.createCredential({id: url, list, statusPurpose: 'revocation'});
    const named = {id: url, type: ['VerifiableCredential', 'BitstringStatusListCredential'], credentialSubject};
    const signed = await issueTheirs(named);
    for(const [statusListIndex, status] of [['94566', 200], ['94567', 400], ['131072', 400]]) {
      const entry = {type: 'BitstringStatusListEntry', statusPurpose: 'revocation', statusListIndex,
        statusListCredential: url};
      const issued = await issueTheirs({credentialStatus: entry});
      assert.equal((await verifyOurs(issued, {statusLists: [signed]})).status, status, statusListIndex);
    }
  });
});

function base58(text) {
  const letters = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';
  let number = 0n;
  for(const letter of text) {
    number = number * 58n + BigInt(letters.indexOf(letter));
  }
  const hex = number.toString(16);
  return Buffer.from(hex.padStart(hex.length + hex.length % 2, '0'), 'hex');
}
