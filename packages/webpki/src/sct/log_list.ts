/** The logs whose timestamps count, as browsers publish them: version 3 of the JSON format that Chrome's and Apple's lists have. */
import { DerReader, DerTag } from '@tyls/tls-core/der';
import { decodeBase64 } from '../base64.ts';
import { binaryString } from '../bytes.ts';
import { parseSubjectPublicKeyInfo, type SubjectPublicKeyInfo } from '../signed_data.ts';

/** A certificate transparency log. Times are milliseconds since 1970 UTC. */
export interface CtLog {
  readonly description: string;
  readonly operator: string;
  readonly key: SubjectPublicKeyInfo;
  /** Whether its timestamps count: always, if they are older than `until`, or never. */
  readonly trust: 'current' | 'retired' | 'none';
  /** When it was retired. */
  readonly until: number | undefined;
  /** It takes certificates whose notAfter is in here: from the start on, and before the end. */
  readonly temporalInterval: { readonly start: number; readonly end: number } | undefined;
}

export interface CtLogList {
  /** When the list was made, where it says so. An old list does not know the logs of new certificates. */
  readonly timestamp: number | undefined;
  /** By id, as a string of a character for each byte. */
  readonly logs: ReadonlyMap<string, CtLog>;
}

/**
 * Reads a list of logs: `operators[]` with `name` and `logs[]` (and `tiled_logs[]`), each with `description`, `log_id` and
 * `key` in base64, `state`, and perhaps `temporal_interval`.
 *
 * Timestamps of `usable`, `qualified` and `readonly` logs count, and those that a `retired` log made before it was; those
 * of logs that are `pending`, `rejected`, or in no state do not.
 *
 * @param json text, or what `JSON.parse` makes of it
 * @throws TypeError that names what is wrong with it; SyntaxError if the text is no JSON
 * @throws RangeError if there are no logs in it
 */
export function parseLogList(json: unknown): CtLogList {
  const list = recordOf(typeof json === 'string' ? (JSON.parse(json) as unknown) : json, 'the log list');
  const logs = new Map<string, CtLog>();
  for (const [i, value] of arrayOf(list['operators'], 'operators').entries()) {
    const operator = recordOf(value, `operators[${i}]`);
    const name = textOf(operator['name'], `operators[${i}].name`);
    for (const kind of ['logs', 'tiled_logs']) {
      for (const [j, log] of arrayOf(operator[kind] ?? [], `operators[${i}].${kind}`).entries()) {
        const [id, parsed] = parseLog(log, name, `operators[${i}].${kind}[${j}]`);
        logs.set(id, parsed);
      }
    }
  }
  if (logs.size === 0) throw new RangeError('no logs in the log list: no certificate will have enough timestamps');
  const timestamp = list['log_list_timestamp'];
  return { timestamp: timestamp === undefined ? undefined : timeOf(timestamp, 'log_list_timestamp'), logs };
}

function parseLog(value: unknown, operator: string, where: string): [id: string, CtLog] {
  const log = recordOf(value, where);
  const id = base64Of(log['log_id'], `${where}.log_id`);
  if (id.length !== 32) throw wrong(`${where}.log_id`, 'is not of 32 bytes');
  const description = log['description'] === undefined ? where : textOf(log['description'], `${where}.description`);
  const key = keyOf(base64Of(log['key'], `${where}.key`), `${where}.key`);
  const interval = log['temporal_interval'];
  const temporalInterval = interval === undefined ? undefined : intervalOf(interval, `${where}.temporal_interval`);
  return [
    binaryString(id),
    { description, operator, key, ...stateOf(log['state'] ?? {}, `${where}.state`), temporalInterval },
  ];
}

/** `state` has one member, whose name is the state. */
function stateOf(value: unknown, where: string): Pick<CtLog, 'trust' | 'until'> {
  const state = recordOf(value, where);
  if (state['retired'] !== undefined) {
    const { timestamp } = recordOf(state['retired'], `${where}.retired`);
    return { trust: 'retired', until: timeOf(timestamp, `${where}.retired.timestamp`) };
  }
  const isCurrent = ['usable', 'qualified', 'readonly'].some((name) => state[name] !== undefined);
  return { trust: isCurrent ? 'current' : 'none', until: undefined };
}

function intervalOf(value: unknown, where: string): { start: number; end: number } {
  const interval = recordOf(value, where);
  return {
    start: timeOf(interval['start_inclusive'], `${where}.start_inclusive`),
    end: timeOf(interval['end_exclusive'], `${where}.end_exclusive`),
  };
}

function keyOf(der: Uint8Array, where: string): SubjectPublicKeyInfo {
  try {
    const outer = new DerReader(der, () => wrong(where, 'is no SubjectPublicKeyInfo'));
    const content = outer.read(DerTag.sequence);
    outer.finish();
    return parseSubjectPublicKeyInfo(content);
  } catch {
    throw wrong(where, 'is no SubjectPublicKeyInfo');
  }
}

function base64Of(value: unknown, where: string): Uint8Array {
  const bytes = decodeBase64(textOf(value, where));
  if (bytes === undefined) throw wrong(where, 'is not base64');
  return bytes;
}

function recordOf(value: unknown, where: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(where, 'is not an object');
  return value as Readonly<Record<string, unknown>>;
}

function arrayOf(value: unknown, where: string): readonly unknown[] {
  if (!Array.isArray(value)) throw wrong(where, 'is not an array');
  return value as readonly unknown[];
}

function textOf(value: unknown, where: string): string {
  if (typeof value !== 'string') throw wrong(where, 'is not a string');
  return value;
}

function timeOf(value: unknown, where: string): number {
  const time = Date.parse(textOf(value, where));
  if (Number.isNaN(time)) throw wrong(where, 'is not a time');
  return time;
}

function wrong(where: string, what: string): TypeError {
  return new TypeError(`bad log list: ${where} ${what}`);
}
