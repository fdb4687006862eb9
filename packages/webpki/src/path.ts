/**
 * Path building and validation (RFC 5280 section 6, RFC 4158): from an end entity through certificates that came in any
 * order to a trust anchor.
 */
import { type Awaitable, runToEnd, type Step } from '@tyls/tls-core';
import { maxIntermediates } from './budget.ts';
import { parseCertificate } from './certificate.ts';
import { checkEndEntity, type CheckOptions } from './certificate_checks.ts';
import { crlDistributionPointsOid } from './crl/distribution_point.ts';
import { certificateError, mostSpecific } from './error.ts';
import { type PathOptions, type VerifiedPath } from './path_options.ts';
import { defaultPolicy } from './policy.ts';
import { Search } from './search.ts';
import { checkVerificationTime } from './time.ts';

/**
 * Verifies an end entity's certificate up to one of the roots. Its names are compared with name constraints alone.
 *
 * At most 6 intermediates, 100 signatures, 100 paths that an anchor stands behind, 200 000 steps and 250 000 comparisons
 * with name constraints are tried.
 *
 * @throws TlsError `InvalidCertificate`: of all the ways tried, what says best why it is refused;
 *   `InvalidCertRevocationList` if that is a revocation list that cannot be used
 * @throws RangeError if the time or the depth is no number
 */
export function verifyPath(options: PathOptions): Awaitable<VerifiedPath> {
  return runToEnd(pathVerification(options));
}

/** {@link verifyPath} as a step. */
export function* pathVerification(options: PathOptions): Step<VerifiedPath> {
  const { now, purpose, maxDepth, policy = defaultPolicy, keyUsage = [] } = options;
  checkMaxDepth(maxDepth);
  checkVerificationTime(now);
  const nowInSeconds = Math.floor(now / 1000) * 1000;
  const handledExtensions = new Set(options.handledExtensions);
  if (options.revocation !== undefined) handledExtensions.add(crlDistributionPointsOid);
  const checks: CheckOptions = { purpose, policy, keyUsage, now, nowInSeconds, handledExtensions };
  const endEntity = parseCertificate(options.endEntity);
  const refusal = checkEndEntity(endEntity, checks);
  if (refusal !== 'valid') throw certificateError(refusal);
  const search = new Search(options, checks);
  const found = yield* search.extend([search.candidate(endEntity)]);
  if (!('reason' in found)) return found;
  const best = mostSpecific(search.unreadable, found);
  // A list can be to blame only where there are some.
  throw 'code' in best ? options.revocation!.error(best) : certificateError(best);
}

/** @throws RangeError if it is no number */
export function checkMaxDepth(maxDepth: number = maxIntermediates): void {
  if (!(maxDepth >= 0)) throw new RangeError('the maximum depth is not a number');
}
