/** Command lines, piece by piece: to be spread into a list of arguments. */

/** An option with its value; nothing where it has none. */
export function option(name: string, value: string | undefined): string[] {
  return value === undefined ? [] : [name, value];
}

export function flag(name: string, given: boolean): string[] {
  return given ? [name] : [];
}
