/** The shim: a TLS client or server that does what the flags of one test say. */
import { parseFlags, Unimplemented } from './flags.ts';

/** What the runner takes for "not implemented" rather than for a failure. */
const unimplementedStatus = 89;
/** What the runner never takes for the failure that a test expects. */
const brokenStatus = 90;

async function main(args: readonly string[]): Promise<number> {
  if (args.includes('-is-handshaker-supported')) {
    process.stdout.write('No\n');
    return 0;
  }
  try {
    const flags = parseFlags(args);
    // Only now: what is refused need not wait for the library.
    const { run } = await import('./run.ts');
    return await run(flags);
  } catch (error) {
    if (error instanceof Unimplemented) {
      process.stdout.write(`not implemented: ${error.message}\n`);
      return unimplementedStatus;
    }
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    return brokenStatus;
  }
}

void main(process.argv.slice(2)).then((status) => process.exit(status));
