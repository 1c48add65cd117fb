// The assertions of the W3C's data integrity suites, which they run for eddsa-rdfc-2022 only, run for eddsa-jcs-2022.
import * as jcs from '@digitalbazaar/eddsa-jcs-2022-cryptosuite';
import * as Ed25519Multikey from '@digitalbazaar/ed25519-multikey';
import {checkDataIntegrityProofFormat, checkDataIntegrityProofVerifyErrors} from 'data-integrity-test-suite-assertion';
import {endpoints} from 'vc-test-suite-implementations';

const suiteName = 'eddsa-jcs-2022';
const optionalTests = {dates: true, authentication: true, domain: true, contextInjection: false, proofChain: false};
const credential = {
  '@context': ['https://www.w3.org/ns/credentials/v2'],
  type: ['VerifiableCredential'],
  credentialSubject: {id: 'did:key:z6MktKwz7Ge1Yxzr4JHavN33wiwa8y81QdcMRLXQsrH9T53b', name: 'ExampleClaim'}
};

const key = await Ed25519Multikey.generate({seed: new Uint8Array(32).fill(5)});
key.controller = `did:key:${key.publicKeyMultibase}`;
key.id = `${key.controller}#${key.publicKeyMultibase}`;

checkDataIntegrityProofFormat({
  implemented: endpoints.filterByTag({tags: [suiteName], property: 'issuers'}).match,
  cryptosuiteName: suiteName, credential, optionalTests
});
checkDataIntegrityProofVerifyErrors({
  implemented: endpoints.filterByTag({tags: [suiteName], property: 'verifiers'}).match,
  optionalTests,
  testDataOptions: {suiteName, key, cryptosuite: jcs.createSignCryptosuite(), testVector: credential}
});
