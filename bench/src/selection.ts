/** Which figures `--only` asks for. */

/** @param pattern any part of a name; `*` stands for anything. Without one every figure is wanted. */
export function selection(pattern: string | undefined): (name: string) => boolean {
  if (pattern === undefined) return () => true;
  const parts = pattern.split('*').map((part) => part.replaceAll(/[^\w/]/g, String.raw`\$&`));
  const expression = new RegExp(parts.join('.*'));
  return (name) => expression.test(name);
}
