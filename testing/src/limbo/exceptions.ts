/** Where the strict policy is not of x509-limbo's opinion, and why. */
export const strictExceptions: Readonly<Record<string, string>> = {
  'rfc5280::ca-as-leaf':
    "webpki::ca-as-leaf and webpki::ee-basicconstraints-ca demand the opposite: a CA's certificate is none for a server.",
  'pathlen::validation-ignores-pathlen-in-leaf': 'The end entity is a CA, as in rfc5280::ca-as-leaf.',
  'rfc5280::eku::ee-without-eku':
    'webpki::eku::ee-without-eku demands the opposite, with BR 7.1.2.7.6: a server has extKeyUsage.',
  'rfc5280::nc::permitted-dns-match-noncritical':
    'webpki::nc::permitted-dns-match-noncritical demands the opposite: BR 7.1.2.5.2 leaves criticality to the CA, and the ' +
    'constraints are enforced either way.',
  'rfc5280::aki::cross-signed-root-missing-aki':
    'cve::cve-2024-0567 demands the opposite of the same root: who issued a trust anchor does not count.',
};
