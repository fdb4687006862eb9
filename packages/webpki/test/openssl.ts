/** Whether the openssl command is there, whose encodings are read as a second opinion. */
import { execFileSync } from 'node:child_process';

/** @param what is not tested without it, for the line that says so */
export function hasOpenSsl(what: string): boolean {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' });
    return true;
  } catch {
    console.log(`skipped: ${what}, since there is no openssl command`);
    return false;
  }
}
