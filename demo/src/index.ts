/** What `npm start` shows. */
import { createCa } from '@tyls/testing';
import { parseArgs } from 'node:util';
import { header, runMatrix } from './matrix.ts';
import { header as refusalHeader, runRefusals } from './refusals.ts';
import { serve } from './serve.ts';
import { table } from './table.ts';

const help = `Usage: npm start -- [options]

Connects every crypto backend of tyls to every other and to node:tls, over TCP, and shows what came of it.

Options:
  --serve      keep an HTTPS server up instead, to try other clients on
  --port PORT  where it listens (with --serve; 8443 by default)
  --help       this text`;

interface Options {
  readonly serve: boolean;
  readonly help: boolean;
  readonly port: number;
}

/** @throws Error that says what is wrong with the command line */
function options(): Options {
  const { values } = parseArgs({
    options: { serve: { type: 'boolean' }, port: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
  });
  const { serve: wanted = false, help: helpWanted = false, port = '8443' } = values;
  if (values.port !== undefined && !wanted) throw new Error('--port goes with --serve');
  if (!/^[0-9]{1,5}$/.test(port) || Number(port) > 65_535) throw new Error(`--port: not a port: ${port}`);
  return { serve: wanted, help: helpWanted, port: Number(port) };
}

async function show(): Promise<void> {
  const begin = performance.now();
  const ca = await createCa({ name: 'tyls demo root' });
  const identity = await ca.issue({ names: ['localhost'] });

  console.log('Who talks to whom: a handshake with full verification over TCP, then an HTTP request and its answer\n');
  const pairs = await runMatrix(ca, identity);
  console.log(
    table(
      header,
      pairs.map(({ cells }) => cells),
    ),
  );

  console.log('\nWhat is refused, and what the user is told\n');
  const refusals = await runRefusals(ca, identity);
  console.log(
    table(
      refusalHeader,
      refusals.map(({ cells }) => cells),
    ),
  );

  const all = [...pairs, ...refusals];
  const failed = all.filter(({ ok }) => !ok).length;
  const seconds = ((performance.now() - begin) / 1000).toFixed(1);
  console.log(`\n${all.length - failed} of ${all.length} as they should be, in ${seconds} s`);
  if (failed > 0) process.exitCode = 1;
}

async function main(): Promise<void> {
  let chosen: Options;
  try {
    chosen = options();
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${help}`);
    process.exitCode = 2;
    return;
  }
  if (chosen.help) console.log(help);
  else if (chosen.serve) await serve(chosen.port);
  else await show();
}

await main();
