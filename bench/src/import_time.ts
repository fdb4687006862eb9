/** How long a program takes to begin: a process that imports a package and ends, beside one that imports `node:tls`. By CPU time. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type Bench, contestBench } from './bench.ts';
import { type Contender } from './contest.ts';

const imported = {
  'import/tls-core': ['@tyls/tls-core'],
  'import/tls-node': ['@tyls/tls-node'],
  'import/client-noble': ['@tyls/tls-core', '@tyls/webpki', '@tyls/crypto-noble'],
} as const;

export const importTimes: readonly Bench[] = Object.entries(imported).map(([name, packages]) =>
  contestBench([name], () => ({
    contest: {
      unit: 'CPU µs',
      ours: importing('tyls', packages),
      peers: [{ figure: name, ...importing('node:tls', ['node:tls']) }],
      floor: importing('an empty program', []),
    },
  })),
);

/** The child says how much CPU time it has taken since it was begun, Node's own start included. */
function importing(name: string, packages: readonly string[]): Contender {
  const lines = packages.map((specifier) => `await import(${JSON.stringify(specifier)});`);
  const program = `${lines.join('')} const { user, system } = process.cpuUsage(); process.stdout.write(String(user + system));`;
  const cwd = fileURLToPath(new URL('./', import.meta.url));
  return {
    name,
    run(times) {
      let micros = 0;
      for (let i = 0; i < times; i++) {
        const { stdout, status } = spawnSync(process.execPath, ['--input-type=module', '-e', program], { cwd });
        if (status !== 0) throw new Error(`importing ${packages.join()} fails`);
        micros += Number(stdout.toString());
      }
      return micros / 1e6;
    },
  };
}
