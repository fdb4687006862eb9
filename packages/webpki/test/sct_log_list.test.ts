/** The list of logs that a user trusts. */
import { parseLogList } from '@tyls/webpki';
import { describe, expect, test } from 'vitest';
import { derEncode, DerTag } from '@tyls/tls-core/der';
import { base64, TestLog } from './sct_craft.ts';

const log = new TestLog('Alpha', 'alpha');
const listed = (more?: object): object => ({ operators: [{ name: 'Alpha', logs: [log.listed(more)] }] });
const idOf = (one: TestLog): string => Buffer.from(one.id).toString('latin1');

test('text or object: operators, logs, their keys and states', () => {
  const tiled = new TestLog('Beta', 'beta');
  const json = {
    version: '1.0',
    log_list_timestamp: '2026-11-01T12:00:00Z',
    operators: [
      {
        name: 'Alpha',
        email: ['a@log.test'],
        logs: [
          log.listed({
            state: { retired: { timestamp: '2026-01-02T03:04:05Z' } },
            temporal_interval: { start_inclusive: '2026-01-01T00:00:00Z', end_exclusive: '2027-01-01T00:00:00Z' },
          }),
        ],
      },
      { name: 'Beta', logs: [], tiled_logs: [tiled.listed()] },
    ],
  };
  const { timestamp, logs } = parseLogList(json);
  expect(parseLogList(JSON.stringify(json))).toEqual({ timestamp, logs });
  expect(timestamp).toBe(Date.UTC(2026, 10, 1, 12));
  expect([...logs.keys()]).toEqual([idOf(log), idOf(tiled)]);
  expect(logs.get(idOf(log))).toMatchObject({
    description: 'alpha',
    operator: 'Alpha',
    trust: 'retired',
    until: Date.UTC(2026, 0, 2, 3, 4, 5),
    temporalInterval: { start: Date.UTC(2026, 0, 1), end: Date.UTC(2027, 0, 1) },
  });
  expect(logs.get(idOf(tiled))).toMatchObject({ operator: 'Beta', trust: 'current', until: undefined });
  expect(log.key.subarray(-65)).toEqual(logs.get(idOf(log))!.key.publicKey);
});

test('what it may lack', () => {
  const { timestamp, logs } = parseLogList(listed({ description: undefined, state: undefined }));
  expect(timestamp).toBeUndefined();
  expect(logs.get(idOf(log))).toMatchObject({
    description: 'operators[0].logs[0]',
    trust: 'none',
    temporalInterval: undefined,
  });
});

describe('a list that is wrong is a mistake of whoever passes it', () => {
  test.each<[string, unknown]>([
    ['the log list is not an object', []],
    ['the log list is not an object', 'null'],
    ['operators is not an array', {}],
    ['operators[0] is not an object', { operators: ['Alpha'] }],
    ['operators[0].name is not a string', { operators: [{ logs: [] }] }],
    ['operators[0].logs is not an array', { operators: [{ name: 'Alpha', logs: {} }] }],
    ['operators[0].logs[0] is not an object', { operators: [{ name: 'Alpha', logs: [1] }] }],
    ['operators[0].tiled_logs[0] is not an object', { operators: [{ name: 'Alpha', tiled_logs: [1] }] }],
    ['operators[0].logs[0].log_id is not a string', listed({ log_id: 1 })],
    ['operators[0].logs[0].log_id is not base64', listed({ log_id: '?' })],
    ['operators[0].logs[0].log_id is not of 32 bytes', listed({ log_id: 'AAAA' })],
    ['operators[0].logs[0].key is not base64', listed({ key: 'A' })],
    ['operators[0].logs[0].key is no SubjectPublicKeyInfo', listed({ key: 'AAAA' })],
    [
      'operators[0].logs[0].key is no SubjectPublicKeyInfo',
      listed({ key: base64(derEncode(DerTag.sequence, derEncode(DerTag.null))) }),
    ],
    ['operators[0].logs[0].key is no SubjectPublicKeyInfo', listed({ key: base64(Uint8Array.of(...log.key, 0)) })],
    ['operators[0].logs[0].description is not a string', listed({ description: 1 })],
    ['operators[0].logs[0].state is not an object', listed({ state: 'usable' })],
    ['operators[0].logs[0].state.retired is not an object', listed({ state: { retired: true } })],
    ['operators[0].logs[0].state.retired.timestamp is not a string', listed({ state: { retired: {} } })],
    ['operators[0].logs[0].state.retired.timestamp is not a time', listed({ state: { retired: { timestamp: 'x' } } })],
    ['operators[0].logs[0].temporal_interval is not an object', listed({ temporal_interval: 1 })],
    ['operators[0].logs[0].temporal_interval.start_inclusive is not a string', listed({ temporal_interval: {} })],
    ['log_list_timestamp is not a time', { ...listed(), log_list_timestamp: 'yesterday' }],
  ])('%s', (message, json) => {
    expect(() => parseLogList(json)).toThrow(TypeError);
    expect(() => parseLogList(json)).toThrow(`bad log list: ${message}`);
  });

  test('no JSON, and no logs', () => {
    expect(() => parseLogList('{')).toThrow(SyntaxError);
    expect(() => parseLogList({ operators: [] })).toThrow(RangeError);
  });
});
