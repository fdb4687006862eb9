/** The CCADB's report of the roots in Mozilla's program, as CSV with PEM ("Included CA Certificates"). */
import { parsePem } from '@tyls/webpki';

/**
 * The roots that are trusted for TLS servers.
 *
 * @param {string} text
 * @returns {import('./generate.mjs').Root[]}
 */
export function rootsFromCcadb(text) {
  const [header, ...rows] = readCsv(text);
  if (header === undefined) throw new TypeError('CCADB: no header');
  const column = (...names) => {
    const at = header.findIndex((name) => names.includes(name));
    if (at < 0) throw new TypeError(`CCADB: no column ${names.join(' or ')}`);
    return at;
  };
  const pem = column('PEM Info', 'PEM');
  const trustBits = column('Trust Bits');
  const distrust = column('Distrust for TLS After Date');
  const constraints = column('Mozilla Applied Constraints');
  return rows.flatMap((row) => {
    if (row.length !== header.length) throw new TypeError(`CCADB: a row of ${row.length} fields, not ${header.length}`);
    if (!/\bWebsites\b/.test(row[trustBits])) return [];
    const blocks = parsePem(row[pem].replace(/^'|'$/g, ''));
    if (blocks.length !== 1) throw new TypeError(`CCADB: ${blocks.length} certificates in one row`);
    const permittedDnsNames = row[constraints]
      .split(/[,;]/)
      .map((name) => name.trim().replace(/^\*/, ''))
      .filter((name) => name !== '');
    return [
      {
        certificate: blocks[0].der,
        ...(row[distrust] !== '' && { distrustAfter: endOfDay(row[distrust]) }),
        ...(permittedDnsNames.length > 0 && { permittedDnsNames }),
      },
    ];
  });
}

/** `YYYY.MM.DD`, also with hyphens or slashes: that day is not yet after it. */
function endOfDay(text) {
  const [, year, month, day] = /^(\d{4})[./-](\d\d)[./-](\d\d)$/.exec(text) ?? [];
  if (year === undefined) throw new TypeError(`CCADB: not a date: ${text}`);
  return Date.UTC(Number(year), Number(month) - 1, Number(day), 23, 59, 59);
}

/**
 * RFC 4180.
 *
 * @param {string} text
 * @returns {string[][]}
 */
function readCsv(text) {
  const rows = [[]];
  const field = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/gy;
  while (field.lastIndex < text.length) {
    const [, quoted, plain, end] = field.exec(text) ?? [];
    if (end === undefined) throw new TypeError('CCADB: no CSV');
    rows.at(-1).push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    if (end === '') return rows;
    if (end !== ',') rows.push([]);
  }
  // The last line has its end, as it should, or ends with an empty field.
  if (rows.at(-1).length === 0) rows.pop();
  else rows.at(-1).push('');
  return rows;
}
