/** What tests of asynchrony share. */

/** Everything that can go on without new events has gone on. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** What an answer, given at once or later, rejected with. Fails if it did not. */
export async function rejection(answer: unknown): Promise<Error> {
  try {
    await answer;
  } catch (error) {
    return error as Error;
  }
  throw new Error('it succeeded');
}
