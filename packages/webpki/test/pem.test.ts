import { cpuClock, createCa } from '@tyls/testing';
import { certificatesFromPem, parsePem, privateKeyFromPem } from '@tyls/webpki';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';

const block = (label: string, body: string): string => `-----BEGIN ${label}-----\n${body}\n-----END ${label}-----\n`;

test('certificates and the key are found among other text, in order', async () => {
  const ca = await createCa();
  const { chain, chainPem, privateKey, privateKeyPem } = await ca.issue({ names: ['a.test'] });
  const text = `subject=a.test\n${chainPem}\nkey follows:\r\n${privateKeyPem}${ca.certificatePem}trailer`;
  expect(certificatesFromPem(text)).toEqual([chain[0], ca.certificate]);
  expect(privateKeyFromPem(text)).toEqual({ format: 'pkcs8', der: privateKey });
  expect(certificatesFromPem(Buffer.from(text))).toEqual([chain[0], ca.certificate]);
});

test('what is encoded comes back, whatever the line ends and widths are', () => {
  const widths = fc.integer({ min: 1, max: 90 });
  const ends = fc.constantFrom('\n', '\r\n', '\r', ' \n', '\t\n');
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), widths, ends, (der, width, end) => {
      const body = (
        Buffer.from(der)
          .toString('base64')
          .match(new RegExp(`.{1,${width}}`, 'g')) ?? []
      ).join(end);
      expect(parsePem(`-----BEGIN X-----${end}${body}${end}-----END X-----`)).toEqual([{ label: 'X', der }]);
    }),
  );
});

test.each([
  ['PRIVATE KEY', 'pkcs8'],
  ['RSA PRIVATE KEY', 'pkcs1'],
  ['EC PRIVATE KEY', 'sec1'],
])('%s is %s', (label, format) => {
  const text = block('EC PARAMETERS', 'BgU=') + block(label, 'AAEC');
  expect(privateKeyFromPem(text)).toEqual({ format, der: Uint8Array.of(0, 1, 2) });
});

test.each([
  ['no end', '-----BEGIN X-----\nAAAA\n', /does not end/],
  ['another end', '-----BEGIN X-----\nAAAA\n-----END Y-----', /ends without a beginning/],
  ['an end alone', '-----END X-----', /ends without a beginning/],
  ['a beginning inside', `-----BEGIN X-----\n${block('Y', 'AAAA')}`, /does not end before/],
  ['headers', block('X', 'Proc-Type: 4,ENCRYPTED\n\nAAAA'), /headers/],
  ['no base64', block('X', 'AA?A'), /not base64/],
  ['base64url', block('X', 'AA_-'), /not base64/],
  ['missing padding', block('X', 'AAA'), /not base64/],
  ['padding inside', block('X', 'AA==AAAA'), /not base64/],
  ['too much padding', block('X', 'A==='), /not base64/],
  ['padding alone', block('X', '===='), /not base64/],
  ['bits that are left over', block('X', 'AAB='), /not base64/],
  ['more of them', block('X', 'AB=='), /not base64/],
  ['letters beyond ASCII', block('X', 'AAAÄ'), /not base64/],
])('refused: %s', (_, text, message) => {
  expect(() => parsePem(text)).toThrow(TypeError);
  expect(() => parsePem(text)).toThrow(message);
});

test('an encrypted key, no key and two keys are told apart', () => {
  expect(() => privateKeyFromPem(block('ENCRYPTED PRIVATE KEY', 'AAAA'))).toThrow(/encrypted/);
  expect(() => privateKeyFromPem(block('CERTIFICATE', 'AAAA'))).toThrow(/found 0/);
  expect(() => privateKeyFromPem(block('PRIVATE KEY', 'AAAA').repeat(2))).toThrow(/found 2/);
  expect(() => certificatesFromPem(block('PRIVATE KEY', 'AAAA'))).toThrow(/no certificate/);
});

test('any text is parsed or refused with a TypeError, in linear time', () => {
  const piece = fc.constantFrom('-----BEGIN X-----', '-----END X-----', '\n', 'AAAA', '=', '-', ':', '\0', 'ü', ' ');
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
      try {
        parsePem(pieces.join(''));
      } catch (error) {
        if (!(error instanceof TypeError)) throw error;
      }
    }),
  );
  const spent = cpuClock();
  expect(() => parsePem(`-----BEGIN ${'X -'.repeat(300_000)}`)).not.toThrow();
  expect(() => parsePem(`-----BEGIN X-----\n${'= '.repeat(300_000)}`)).toThrow(TypeError);
  expect(() => parsePem(block('X', '='.repeat(400_000)))).toThrow(TypeError);
  expect(spent()).toBeLessThan(1000);
});
