import { type ClientSessionStore } from '@tyls/tls-core';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { sessionFile } from '../src/session_file.ts';

let folder: string;
let path: string;
let warnings: string[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tyls-sessions-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  path = join(folder, 'sessions');
  warnings = [];
});

/** As another run of the program has it. */
function open(at: string = path): ClientSessionStore {
  return sessionFile(at, (problem) => void warnings.push(problem));
}

const key = (n: number): string => n.toString(16).padStart(64, '0');
const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);
const plain = (session: unknown): unknown => (session instanceof Uint8Array ? [...session] : session);

describe('a session file', () => {
  test('gives back, in another run, what was kept, and nothing of another server', () => {
    const store = open();
    store.setGroupHint(key(1), 0x001d);
    store.setTls12Session(key(1), bytes(1, 2, 255));
    store.addTicket(key(1), bytes(3));
    store.addTicket(key(1), bytes(4));
    const later = open();
    expect(later.groupHint(key(1))).toBe(0x001d);
    expect(plain(later.tls12Session(key(1)))).toEqual([1, 2, 255]);
    expect(plain(later.tls12Session(key(1)))).toEqual([1, 2, 255]);
    expect([later.groupHint(key(2)), later.tls12Session(key(2)), later.takeTicket(key(2))]).toEqual(
      Array(3).fill(undefined),
    );
  });

  test('gives a ticket away once, the newest first', () => {
    const [store, other] = [open(), open()];
    for (const n of [1, 2, 3]) store.addTicket(key(1), bytes(n));
    expect(plain(store.takeTicket(key(1)))).toEqual([3]);
    expect(plain(other.takeTicket(key(1)))).toEqual([2]);
    expect(plain(open().takeTicket(key(1)))).toEqual([1]);
    expect(store.takeTicket(key(1))).toBeUndefined();
  });

  test('forgets a TLS 1.2 session when told to, and nothing else', () => {
    const store = open();
    store.setTls12Session(key(1), bytes(1));
    store.addTicket(key(1), bytes(2));
    store.removeTls12Session(key(1));
    expect(store.tls12Session(key(1))).toBeUndefined();
    expect(plain(store.takeTicket(key(1)))).toEqual([2]);
  });

  test('keeps 8 tickets of a server, and 256 servers, the latest', () => {
    const store = open();
    for (let n = 0; n < 10; n++) store.addTicket(key(0), bytes(n));
    const taken = Array.from({ length: 9 }, () => plain(store.takeTicket(key(0))));
    expect(taken).toEqual([[9], [8], [7], [6], [5], [4], [3], [2], undefined]);
    for (let n = 1; n <= 257; n++) store.setTls12Session(key(n), bytes(1));
    expect([0, 1, 2, 257].map((n) => plain(store.tls12Session(key(n))))).toEqual([undefined, undefined, [1], [1]]);
  });

  test('can be read by its owner alone, whatever it was before, and leaves nothing beside it', () => {
    writeFileSync(path, '');
    chmodSync(path, 0o644);
    open().addTicket(key(1), bytes(1));
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder)).toEqual(['sessions']);
  });

  test('is there once it is opened, so that one that cannot be written is known at once', () => {
    open();
    expect(existsSync(path)).toBe(true);
    expect(() => open(join(folder, 'missing', 'sessions'))).toThrow('ENOENT');
  });

  test.each([
    ['no JSON', '-----BEGIN PRIVATE KEY-----\n'],
    ['other JSON', '{"servers":[]}'],
    ['JSON that is no object', 'null'],
    ['another format', '{"format":"tyls client sessions 2","servers":[]}'],
    ['servers that are none', '{"format":"tyls client sessions 1","servers":[1]}'],
    ['a server without tickets', '{"format":"tyls client sessions 1","servers":[{"key":"a"}]}'],
    ['a ticket that is no text', '{"format":"tyls client sessions 1","servers":[{"key":"a","tickets":[1]}]}'],
    [
      'a session that is no text',
      '{"format":"tyls client sessions 1","servers":[{"key":"a","tickets":[],"tls12Session":1}]}',
    ],
    ['a server without a key', '{"format":"tyls client sessions 1","servers":[{"tickets":[]}]}'],
    ['half of itself', '{"format":"tyls client sessions 1","serv'],
  ])('with %s in it is warned of once, left alone, and nothing is kept', (_what, content) => {
    writeFileSync(path, content);
    const store = open();
    store.addTicket(key(1), bytes(1));
    store.setTls12Session(key(1), bytes(1));
    expect([store.takeTicket(key(1)), store.tls12Session(key(1)), store.groupHint(key(1))]).toEqual(
      Array(3).fill(undefined),
    );
    expect(warnings).toEqual([`${path}: it has something else in it than sessions; no sessions are kept`]);
    expect(readFileSync(path, 'utf8')).toBe(content);
    expect(readdirSync(folder)).toEqual(['sessions']);
  });

  test('is no folder and no device', () => {
    mkdirSync(path);
    open().addTicket(key(1), bytes(1));
    expect(warnings).toEqual([`${path}: it is not a file; no sessions are kept`]);
    warnings = [];
    open('/dev/null').addTicket(key(1), bytes(1));
    expect(warnings).toEqual(['/dev/null: it is not a file; no sessions are kept']);
    expect(statSync('/dev/null').isFile()).toBe(false);
  });

  test('that goes bad meanwhile is warned of, and ends no connection', () => {
    const store = open();
    store.addTicket(key(1), bytes(1));
    rmSync(folder, { recursive: true });
    store.addTicket(key(1), bytes(2));
    expect(store.takeTicket(key(1))).toBeUndefined();
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain('ENOENT');
  });
});
