/** How much work one verification may be, so that a hostile chain cannot make it long. */
import { certificateError } from './error.ts';

/** As many intermediates as a path may go through. */
export const maxIntermediates = 6;
/** As many bytes as the intermediates may have in all: what fits into a Certificate message. */
export const maxIntermediatesLength = 65_536;

/** One is made for each verification, and shared by all that is part of it. */
export class Budget {
  #signatures = 100;
  #paths = 100;
  #steps = 200_000;
  #comparisons = 250_000;

  /** Before each signature that is verified. */
  takeSignature(): void {
    if (--this.#signatures < 0) throw exceeded('signatures');
  }

  /**
   * Before what is found out for each path again, once its anchor's signature is valid: signatures are remembered, and so
   * do not limit how many paths of the same certificates are looked at.
   */
  takePath(): void {
    if (--this.#paths < 0) throw exceeded('paths');
  }

  /** Before each certificate that is tried as the next of a path. */
  takeStep(): void {
    if (--this.#steps < 0) throw exceeded('path-building steps');
  }

  /** Before each name that is compared with a subtree of name constraints. */
  takeComparison(): void {
    if (--this.#comparisons < 0) throw exceeded('comparisons with name constraints');
  }
}

function exceeded(what: string): Error {
  return certificateError({ reason: 'BudgetExceeded', what });
}
