/**
 * Starts a clock of the processor time that this process spends, which does not run on while other processes have the
 * processor.
 *
 * @returns what reads it, in milliseconds
 */
export function cpuClock(): () => number {
  const start = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(start);
    return (user + system) / 1000;
  };
}
