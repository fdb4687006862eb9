/** GREASE (RFC 8701) and the order of extensions in a ClientHello: what is sent, and that a server may choose none of it. */
import { describe, expect, it } from 'vitest';
import { concat } from '../../src/codec/bytes.ts';
import { clientHello, type ClientHello } from '../../src/messages/client_hello.ts';
import { encodeMessage, parseBody } from '../../src/messages/handshake.ts';
import { newSessionTicket } from '../../src/messages/post_handshake.ts';
import { AlertDescription, ExtensionType, HandshakeType, NamedGroup } from '../../src/registry.ts';
import { client, server } from './fixtures.ts';
import { assertEstablished, clientWaitingFor, refusal, ScriptedClient, ScriptedServer } from './scripted_peer.ts';
import { bytes, handshake, u16, vec16, vec8 } from './wire.ts';

const { illegal_parameter, unsupported_extension } = AlertDescription;

function isGrease(value: number): boolean {
  return (value & 0x0f0f) === 0x0a0a && value >> 8 === (value & 0xff);
}

function greaseOf(values: readonly number[] | undefined): number {
  const [value, ...more] = values!.filter(isGrease);
  expect(value).toBeDefined();
  expect(more).toEqual([]);
  return value!;
}

function sharesOf({ extensions }: ClientHello): readonly NamedGroup[] {
  return extensions.keyShares!.map(({ group }) => group);
}

describe('GREASE', () => {
  it('is one value in each list, and two extensions', () => {
    const { cipherSuites, extensions } = new ScriptedServer().clientHello;
    greaseOf(cipherSuites);
    greaseOf(extensions.versions);
    greaseOf(extensions.signatureSchemes);
    const group = greaseOf(extensions.namedGroups);
    expect(extensions.keyShares!.filter((share) => isGrease(share.group))).toEqual([{ group, keyExchange: bytes(0) }]);
    const types = extensions.types.filter(isGrease);
    expect(new Set(types).size).toBe(2);
    expect([extensions.types[0], extensions.types.at(-1)]).toEqual(types);
    expect(extensions.unknown.map(({ data }) => data.length)).toEqual([0, 1]);
  });

  it('is another one in other connections', () => {
    const suites = Array.from({ length: 64 }, () => greaseOf(new ScriptedServer().clientHello.cipherSuites));
    expect(new Set(suites).size).toBeGreaterThan(4);
  });

  it('is not sent where it is switched off', () => {
    const hello = new ScriptedServer(client({ grease: false })).clientHello;
    const { types, versions, signatureSchemes, namedGroups, unknown } = hello.extensions;
    const values = [hello.cipherSuites, types, versions!, signatureSchemes!, namedGroups!, sharesOf(hello)];
    expect(values.flat().some(isGrease)).toBe(false);
    expect(unknown).toEqual([]);
  });

  it.each([true, false])('(RFC 8701 section 4.1) is an extension of each ticket, or not: %s', (grease) => {
    const scripted = new ScriptedClient(server({ grease }));
    scripted.sendClientHello({ append: [[ExtensionType.psk_key_exchange_modes, vec8(bytes(1))]] });
    scripted.sendFinished();
    const { received } = scripted.peer;
    const tickets = received
      .filter(({ type }) => type === HandshakeType.new_session_ticket)
      .map((message) => parseBody('NewSessionTicket', newSessionTicket, message));
    const expected = grease ? [true] : [];
    expect(tickets.map(({ extensions }) => extensions.types.map(isGrease))).toEqual([expected, expected]);
  });

  it('(RFC 8446 section 4.2.8) has no share where a group was asked for', () => {
    const scripted = new ScriptedServer();
    scripted.sendHelloRetryRequest();
    expect(sharesOf(scripted.clientHello)).toEqual([NamedGroup.secp384r1]);
    expect(scripted.clientHello.extensions.namedGroups!.some(isGrease)).toBe(true);
  });

  describe('(RFC 8701 section 3.1) is refused where a server chooses it:', () => {
    it('a cipher suite', () => {
      const scripted = new ScriptedServer();
      scripted.sendServerHello({ cipherSuite: greaseOf(scripted.clientHello.cipherSuites) });
      expect(refusal(scripted)).toEqual(['PeerMisbehaved.SelectedUnofferedCipherSuite', illegal_parameter]);
    });

    it('a version', () => {
      const scripted = new ScriptedServer();
      const version = u16(greaseOf(scripted.clientHello.extensions.versions));
      scripted.sendServerHello({ replace: { [ExtensionType.supported_versions]: version } });
      expect(refusal(scripted)).toEqual(['PeerMisbehaved.SelectedUnofferedVersion', illegal_parameter]);
    });

    it('a group', () => {
      const scripted = new ScriptedServer();
      const group = u16(greaseOf(scripted.clientHello.extensions.namedGroups));
      scripted.sendServerHello({ replace: { [ExtensionType.key_share]: concat([group, vec16(bytes(0))]) } });
      expect(refusal(scripted)).toEqual(['PeerMisbehaved.WrongGroupForKeyShare', illegal_parameter]);
    });

    it('a group in HelloRetryRequest', () => {
      const scripted = new ScriptedServer();
      const group = u16(greaseOf(scripted.clientHello.extensions.namedGroups));
      scripted.sendHelloRetryRequest({ replace: { [ExtensionType.key_share]: group } });
      const code = 'PeerMisbehaved.IllegalHelloRetryRequestWithUnofferedGroup';
      expect(refusal(scripted)).toEqual([code, illegal_parameter]);
    });

    it('an extension in ServerHello', () => {
      const scripted = new ScriptedServer();
      const type = scripted.clientHello.extensions.types.find(isGrease)!;
      scripted.sendServerHello({ append: [[type, bytes()]] });
      expect(refusal(scripted)).toEqual(['PeerMisbehaved.UnsolicitedExtension', unsupported_extension]);
    });

    it('an extension in EncryptedExtensions', () => {
      const scripted = clientWaitingFor('EncryptedExtensions');
      const type = scripted.clientHello.extensions.types.findLast(isGrease)!;
      scripted.peer.send(scripted.encryptedExtensions([[type, bytes(0)]]));
      expect(refusal(scripted)).toEqual(['PeerMisbehaved.UnsolicitedExtension', unsupported_extension]);
    });

    it('a signature scheme', () => {
      const scripted = clientWaitingFor('CertificateVerify');
      const scheme = greaseOf(scripted.clientHello.extensions.signatureSchemes);
      scripted.peer.send(handshake(HandshakeType.certificate_verify, concat([u16(scheme), vec16(bytes(1))])));
      expect(refusal(scripted)).toEqual(['PeerMisbehaved.SignedHandshakeWithUnadvertisedSigScheme', illegal_parameter]);
    });
  });

  it('of a server in CertificateRequest is passed over', () => {
    const scripted = clientWaitingFor('Certificate or CertificateRequest');
    scripted.peer.send(scripted.certificateRequest({ append: [[0x0a0a, bytes(1)]] }));
    scripted.peer.send(scripted.peer.certificate());
    scripted.peer.send(scripted.peer.certificateVerify());
    scripted.sendFinished();
    expect(scripted.connection.isHandshaking).toBe(false);
    assertEstablished(scripted.peer);
  });
});

describe('the order of the extensions', () => {
  const orderOf = (config = client({ grease: false })): string =>
    new ScriptedServer(config).clientHello.extensions.types.join();

  it('is another one in other connections', () => {
    const orders = Array.from({ length: 16 }, () => orderOf());
    expect(new Set(orders).size).toBeGreaterThan(4);
    expect(new Set(orders.map((order) => order.split(',').toSorted().join())).size).toBe(1);
  });

  it('is the same where it is to be', () => {
    const orders = Array.from({ length: 4 }, () => orderOf(client({ grease: false, extensionOrder: 'fixed' })));
    expect(new Set(orders).size).toBe(1);
  });

  it('(RFC 8446 section 4.2.11) has pre_shared_key at its end', () => {
    const hello = new ScriptedServer().clientHello;
    const preSharedKey = {
      identities: [{ identity: bytes(1, 2, 3), obfuscatedTicketAge: 4 }],
      binders: [new Uint8Array(32)],
    };
    const extensions = { ...hello.extensions, preSharedKey };
    const raw = encodeMessage(HandshakeType.client_hello, clientHello, { ...hello, extensions });
    const written = parseBody('ClientHello', clientHello, { type: HandshakeType.client_hello, raw });
    expect(written.extensions.types).toEqual([...hello.extensions.types, ExtensionType.pre_shared_key]);
  });
});
