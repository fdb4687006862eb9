import { clientSessionMemory, serverSessionMemory } from '@tyls/tls-core';
import { describe, expect, it } from 'vitest';

const session = (...bytes: number[]): Uint8Array => Uint8Array.from(bytes);

describe('a client store in memory', () => {
  it('gives each ticket once, the newest first', () => {
    const store = clientSessionMemory();
    void store.addTicket('a', session(1));
    void store.addTicket('a', session(2));
    expect(store.takeTicket('b')).toBeUndefined();
    expect(store.takeTicket('a')).toEqual(session(2));
    expect(store.takeTicket('a')).toEqual(session(1));
    expect(store.takeTicket('a')).toBeUndefined();
  });

  it('keeps the 8 newest tickets of a server', () => {
    const store = clientSessionMemory();
    for (let i = 0; i < 9; i++) void store.addTicket('a', session(i));
    for (let i = 8; i > 0; i--) expect(store.takeTicket('a')).toEqual(session(i));
    expect(store.takeTicket('a')).toBeUndefined();
  });

  it('keeps one TLS 1.2 session of a server until it is replaced or removed', () => {
    const store = clientSessionMemory();
    void store.setTls12Session('a', session(1));
    void store.setTls12Session('a', session(2));
    expect(store.tls12Session('a')).toEqual(session(2));
    expect(store.tls12Session('a')).toEqual(session(2));
    void store.removeTls12Session('a');
    expect(store.tls12Session('a')).toBeUndefined();
  });

  it('forgets the server that was used longest ago', () => {
    const store = clientSessionMemory(2);
    void store.setGroupHint('a', 1);
    void store.setGroupHint('b', 2);
    expect(store.groupHint('a')).toBe(1);
    void store.setGroupHint('c', 3);
    expect(store.groupHint('b')).toBeUndefined();
    expect(store.groupHint('a')).toBe(1);
    expect(store.groupHint('c')).toBe(3);
  });

  it('needs room for something', () => {
    expect(() => clientSessionMemory(0)).toThrow(RangeError);
    expect(() => clientSessionMemory(1.5)).toThrow(RangeError);
  });
});

describe('a server store in memory', () => {
  it('gives a session to one who takes it', () => {
    const store = serverSessionMemory();
    void store.put('a', session(1), 60);
    expect(store.get('a')).toEqual(session(1));
    expect(store.take('a')).toEqual(session(1));
    expect(store.take('a')).toBeUndefined();
    expect(store.get('a')).toBeUndefined();
  });

  it('forgets the session that was used longest ago', () => {
    const store = serverSessionMemory(2);
    void store.put('a', session(1), 60);
    void store.put('b', session(2), 60);
    expect(store.get('a')).toEqual(session(1));
    void store.put('c', session(3), 60);
    expect(store.get('b')).toBeUndefined();
    expect(store.get('a')).toEqual(session(1));
  });
});
