/**
 * Interoperation with software that nobody here wrote. One file, so that the table at its end has everything; the
 * direction is in the names: the client first.
 */
import { afterAll, beforeEach, type RunnerTestCase } from 'vitest';
import './against_clients.ts';
import './against_servers.ts';
import './bulk_data.ts';
import './certificate_compression.ts';
import './certificate_choice.ts';
import './closing.ts';
import './exporters.ts';
import './fallback.ts';
import './key_updates.ts';
import './nss.ts';
import './post_quantum.ts';
import './raw_public_keys.ts';
import './records.ts';
import './resumption_tls12.ts';
import './resumption_tls13.ts';
import './stapling.ts';
import { summary } from './summary.ts';
import { versions } from './world.ts';

const tests: RunnerTestCase[] = [];
beforeEach(({ task }) => void tests.push(task));

afterAll(() => {
  const node = `node:tls of Node ${process.versions.node} with OpenSSL ${process.versions.openssl}`;
  const peers = [...versions.values(), node].filter((version) => version !== undefined);
  process.stdout.write(`\n${peers.join('\n')}\n\n${summary(tests)}\n`);
});
