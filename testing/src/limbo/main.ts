/** `npm run limbo -- FILE [--policy default|strict] [--provider node|noble|webcrypto]` */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { readLimbo } from './limbo_case.ts';
import { summaryOf } from './report.ts';
import { limboPolicies, limboProviders, runLimbo } from './run.ts';

const usage = 'usage: npm run limbo -- FILE [--policy default|strict] [--provider node|noble|webcrypto]';

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: { policy: { type: 'string', default: 'default' }, provider: { type: 'string', default: 'node' } },
    allowPositionals: true,
  });
  const policy = choice(limboPolicies, values.policy);
  const provider = choice(limboProviders, values.provider);
  const [file] = positionals;
  if (file === undefined || positionals.length > 1) throw new TypeError(usage);
  const report = await runLimbo(readLimbo(resolve(process.env['INIT_CWD'] ?? '', file)), { policy, provider });
  for (const line of report.disagreements) console.log(line);
  console.log(summaryOf(report));
}

function choice<T>(choices: Readonly<Record<string, () => T>>, name: string): T {
  const make = choices[name];
  if (make === undefined) throw new TypeError(`there is no ${name}; ${usage}`);
  return make();
}

try {
  await main();
} catch (error) {
  // A file that cannot be read has a code.
  const isUsage = error instanceof TypeError || (error instanceof Error && 'code' in error);
  console.error(isUsage ? error.message : error);
  process.exitCode = 2;
}
