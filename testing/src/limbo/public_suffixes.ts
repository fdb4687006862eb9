/** Public suffixes (https://publicsuffix.org), for policies that want to know them. */
import { existsSync, readFileSync } from 'node:fs';

/** Where Debian's package publicsuffix has the list. */
const systemList = '/usr/share/publicsuffix/public_suffix_list.dat';

/** A few of the list's rules, for machines without it. */
const sample = `
com
net
org
co.uk
org.uk
com.au
co.jp
com.br
*.ck
!www.ck
github.io
s3.amazonaws.com
`;

/**
 * @param list in the list's own format
 * @returns whether a domain, in lower case, is a public suffix
 */
export function publicSuffixes(list: string = systemListOrSample()): (domain: string) => boolean {
  const rules = new Set(
    list
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '' && !line.startsWith('//')),
  );
  return (domain) => {
    if (rules.has(`!${domain}`)) return false;
    const parent = domain.slice(domain.indexOf('.') + 1);
    // A name that no rule is about is below the implicit rule `*`.
    return rules.has(domain) || rules.has(`*.${parent}`) || !domain.includes('.');
  };
}

function systemListOrSample(): string {
  return existsSync(systemList) ? readFileSync(systemList, 'utf8') : sample;
}
