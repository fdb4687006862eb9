/** OCSP responses as `openssl ocsp` makes them. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeProvider } from '@tyls/crypto-node';
import { createCa, type TestCa, type TestIdentity } from '@tyls/testing';
import { digestsOf, parseCertificate, verifyOcspResponse } from '@tyls/webpki';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { atOnce, refusal } from './craft.ts';
import { createResponder } from './ocsp_craft.ts';
import { hasOpenSsl } from './openssl.ts';
import { now } from './revocation_craft.ts';

const provider = nodeProvider();

describe.skipIf(!hasOpenSsl('OCSP responses'))('openssl ocsp', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tyls-ocsp-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const at = (name: string): string => join(folder, name);
  const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: 'pipe' });

  let ca: TestCa;
  let good: TestIdentity;
  let revoked: TestIdentity;
  let other: TestIdentity;
  beforeAll(async () => {
    ca = await createCa({ name: 'ca' });
    const responder = await createResponder(ca);
    good = await ca.issue({ names: ['good'] });
    revoked = await ca.issue({ names: ['revoked'] });
    other = await ca.issue({ names: ['other'] });
    const serial = ({ certificate }: TestIdentity): string =>
      Buffer.from(parseCertificate(certificate).serialNumber).toString('hex').toUpperCase();
    writeFileSync(at('ca.pem'), ca.certificatePem);
    writeFileSync(at('ca.key'), ca.privateKeyPem);
    writeFileSync(at('responder.pem'), responder.certificatePem);
    writeFileSync(at('responder.key'), responder.privateKeyPem);
    writeFileSync(
      at('index.txt'),
      `V\t400101000000Z\t\t${serial(good)}\tunknown\t/CN=good\n` +
        `R\t400101000000Z\t250101000000Z,superseded\t${serial(revoked)}\tunknown\t/CN=revoked\n`,
    );
  });

  /** Asks, and has the question answered. */
  function answer(about: TestIdentity, signer: 'ca' | 'responder', request: string[], response: string[]): Uint8Array {
    writeFileSync(at('leaf.pem'), about.certificatePem);
    openssl('ocsp', ...request, '-issuer', at('ca.pem'), '-cert', at('leaf.pem'), '-reqout', at('request'));
    const answering = ['-index', at('index.txt'), '-CA', at('ca.pem'), '-reqin', at('request')];
    const signing = ['-rsigner', at(`${signer}.pem`), '-rkey', at(`${signer}.key`), '-rmd', 'sha256'];
    openssl('ocsp', ...answering, ...signing, ...response, '-respout', at('response'));
    return new Uint8Array(readFileSync(at('response')));
  }

  const verify = (about: TestIdentity, response: Uint8Array) =>
    atOnce(
      verifyOcspResponse({
        response,
        certificate: parseCertificate(about.certificate),
        issuer: {
          subjectPublicKeyInfo: parseCertificate(ca.certificate).subjectPublicKeyInfo,
          certificate: undefined,
        },
        algorithms: provider.signatureVerification.algorithms,
        digests: digestsOf(provider),
        now: Date.now(),
      }),
    );

  test.each<['ca' | 'responder', string[], string[]]>([
    ['ca', ['-no_nonce'], ['-ndays', '7']],
    ['ca', [], ['-ndays', '7', '-resp_key_id']],
    ['ca', ['-sha256'], ['-ndays', '7', '-resp_no_certs']],
    ['responder', ['-sha384'], ['-ndays', '7']],
    ['responder', ['-no_nonce'], ['-nmin', '5', '-resp_key_id']],
    ['responder', ['-no_nonce'], []],
  ])('signed by the %s, %j, %j', (signer, request, response) => {
    const { thisUpdate, nextUpdate } = verify(good, answer(good, signer, request, response));
    expect(thisUpdate).toBeGreaterThanOrEqual(now - 60_000);
    expect(nextUpdate === undefined).toBe(response.length === 0);
  });

  test('revoked, and unknown', () => {
    const days = ['-ndays', '7'];
    expect(refusal(() => verify(revoked, answer(revoked, 'ca', [], days)))).toEqual({
      code: 'InvalidCertificate',
      reason: 'Revoked',
      subject: 'CN=revoked',
      revocationDate: Date.UTC(2025, 0, 1),
      revocationReason: 'superseded',
    });
    expect(refusal(() => verify(other, answer(other, 'ca', [], days))).reason).toBe('UnknownRevocationStatus');
    expect(refusal(() => verify(revoked, answer(good, 'ca', [], days)))).toMatchObject({
      reason: 'InvalidOcspResponse',
      why: 'it is not about this certificate',
    });
  });
});
