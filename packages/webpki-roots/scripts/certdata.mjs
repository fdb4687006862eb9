/** Mozilla's certdata.txt: certificates, and beside them whether and how far NSS trusts them. */
import { createHash } from 'node:crypto';

/**
 * The roots that are trusted for TLS servers.
 *
 * @param {string} text
 * @returns {import('./generate.mjs').Root[]}
 */
export function rootsFromCertdata(text) {
  const objects = readObjects(text);
  const trust = new Map(objects.filter((one) => isOf(one, /_TRUST$/)).map((one) => [identity(one), one]));
  return objects.flatMap((one) => {
    if (!isOf(one, /^CKO_CERTIFICATE$/)) return [];
    const certificate = one.get('CKA_VALUE');
    if (certificate === undefined) throw new TypeError(`certdata: a certificate without CKA_VALUE: ${label(one)}`);
    const bits = trust.get(identity(one));
    if (bits === undefined) throw new TypeError(`certdata: nothing says whether ${label(one)} is trusted`);
    const hash = bits.get('CKA_CERT_SHA1_HASH');
    if (hash !== undefined && !hash.equals(createHash('sha1').update(certificate).digest())) {
      throw new TypeError(`certdata: the trust in ${label(one)} is in another certificate`);
    }
    if (!isTrustedForServers(bits)) return [];
    const dates = [distrustAfter(one), distrustAfter(bits)].filter((date) => date !== undefined);
    return [{ certificate, ...(dates.length > 0 && { distrustAfter: Math.min(...dates) }) }];
  });
}

/**
 * Attributes by name: bytes for octal, text for anything else.
 *
 * @param {string} text
 * @returns {Map<string, any>[]}
 */
function readObjects(text) {
  const lines = text.split(/\r?\n/);
  const start = lines.indexOf('BEGINDATA');
  if (start < 0) throw new TypeError('certdata: no BEGINDATA');
  const objects = [];
  for (let i = start + 1; i < lines.length; i++) {
    if (lines[i] === '' || lines[i].startsWith('#')) continue;
    const [, name, type, value] = /^(CKA_\w+) (\w+)(?: (.*))?$/.exec(lines[i]) ?? [];
    if (name === undefined) throw new TypeError(`certdata, line ${i + 1}: neither an attribute nor a comment`);
    if (name === 'CKA_CLASS') objects.push(new Map());
    const object = objects.at(-1);
    if (object === undefined || object.has(name)) throw new TypeError(`certdata, line ${i + 1}: ${name} out of place`);
    if (type !== 'MULTILINE_OCTAL') {
      object.set(name, value ?? '');
      continue;
    }
    const end = lines.indexOf('END', i);
    const octal = lines.slice(i + 1, end).join('');
    if (end < 0 || !/^(\\[0-3][0-7]{2})*$/.test(octal)) throw new TypeError(`certdata, line ${i + 1}: no octal`);
    object.set(
      name,
      Buffer.from(
        octal
          .split('\\')
          .slice(1)
          .map((digits) => Number.parseInt(digits, 8)),
      ),
    );
    i = end;
  }
  return objects;
}

function isOf(object, classes) {
  return classes.test(object.get('CKA_CLASS'));
}

function identity(object) {
  return `${object.get('CKA_ISSUER')?.toString('hex')}:${object.get('CKA_SERIAL_NUMBER')?.toString('hex')}`;
}

function label(object) {
  return object.get('CKA_LABEL') ?? '(no label)';
}

/** NSS calls the attribute and its value one thing, PKCS #11 version 3.2 another. */
function isTrustedForServers(object) {
  const value = object.get('CKA_TRUST_SERVER_AUTH') ?? object.get('CKA_PKCS_TRUST_SERVER_AUTH');
  return value === 'CKT_NSS_TRUSTED_DELEGATOR' || value === 'CKT_TRUST_ANCHOR';
}

/** UTCTime in octal, or CK_FALSE; in the certificate's object, or in that of its trust. */
function distrustAfter(object) {
  const value = object.get('CKA_NSS_SERVER_DISTRUST_AFTER');
  if (value === undefined || value === 'CK_FALSE') return undefined;
  const digits = /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(value.toString('latin1'));
  if (digits === null) throw new TypeError(`certdata: not a time to distrust ${label(object)} after`);
  const [year, month, day, hour, minute, second] = digits.slice(1).map(Number);
  return Date.UTC(2000 + year, month - 1, day, hour, minute, second);
}
