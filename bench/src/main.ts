/** `npm run bench [-- --only PATTERN] [--json FILE] [--plot FILE] [--quick]` */
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { benches } from './benches.ts';
import { fullEffort, quickEffort } from './contest.ts';
import { type Figure } from './figure.ts';
import { plotOf } from './plot.ts';
import { tableOf } from './report.ts';
import { selection } from './selection.ts';

const usage = 'usage: npm run bench [-- --only PATTERN] [--json FILE] [--plot FILE] [--quick]';

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      json: { type: 'string' },
      plot: { type: 'string' },
      quick: { type: 'boolean', default: false },
    },
  });
  const wants = selection(values.only);
  const chosen = benches.filter(({ names }) => names.some(wants));
  if (chosen.length === 0) {
    const names = benches.flatMap((bench) => bench.names);
    throw new TypeError(`there is no figure ${JSON.stringify(values.only)}; there are\n  ${names.join('\n  ')}`);
  }
  const effort = values.quick ? quickEffort : fullEffort;
  const figures: Figure[] = [];
  for (const bench of chosen) {
    // Not in the table, which is written to standard output when all is measured.
    console.error(`${bench.names.filter(wants).join(', ')} …`);
    figures.push(...(await bench.run(effort, wants)));
  }
  const { version, versions, arch, platform } = process;
  console.log(`Node ${version.slice(1)}, OpenSSL ${versions.openssl}, ${platform} ${arch}`);
  for (const line of tableOf(figures)) console.log(line);
  // npm runs scripts in the folder of the root package.json.
  const write = (path: string, text: string): void => writeFileSync(resolve(process.env['INIT_CWD'] ?? '', path), text);
  if (values.json !== undefined) write(values.json, `${JSON.stringify(figures, undefined, 2)}\n`);
  if (values.plot !== undefined) write(values.plot, plotOf(figures));
}

try {
  await main();
} catch (error) {
  console.error(error instanceof TypeError ? `${error.message}\n${usage}` : error);
  process.exitCode = 2;
}
