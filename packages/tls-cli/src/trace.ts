/** `--trace`: what happens in connections, an event a line. */
import {
  AlertDescription,
  AlertLevel,
  CipherSuite,
  HandshakeType,
  NamedGroup,
  nameOf,
  ProtocolVersion,
  type TraceEvent,
  type Tracer,
} from '@tyls/tls-core';

/** @param print takes a line; it begins with the number of the connection, since those of a server take turns */
export function traceTo(print: (line: string) => void): Tracer {
  let connections = 0;
  return () => {
    const connection = ++connections;
    return (event) => print(`#${connection} ${describeEvent(event)}`);
  };
}

function describeEvent(event: TraceEvent): string {
  switch (event.type) {
    case 'expecting':
      return `waits for ${event.handshakeTypes.map((type) => nameOf(HandshakeType, type)).join(' or ')}`;
    case 'message':
      return `${event.direction} ${nameOf(HandshakeType, event.handshakeType)}, ${event.length} bytes`;
    case 'alert':
      return `${event.direction} ${nameOf(AlertLevel, event.level)} alert ${nameOf(AlertDescription, event.description)}`;
    case 'key-change':
      return `${event.direction} from here on under a new key`;
    case 'negotiated': {
      const { protocolVersion, cipherSuite, keyExchangeGroup, handshakeKind } = event;
      const group = keyExchangeGroup === undefined ? undefined : nameOf(NamedGroup, keyExchangeGroup);
      const names = [nameOf(ProtocolVersion, protocolVersion), nameOf(CipherSuite, cipherSuite), group, handshakeKind];
      return `negotiated ${names.filter((name) => name !== undefined).join(', ')}`;
    }
    case 'complete':
      return 'handshake complete';
    case 'ended': {
      const records = `${event.protectedRecordsSent} protected records sent, ${event.protectedRecordsReceived} received`;
      return `ended, ${records}${event.error === undefined ? '' : `: ${event.error}`}`;
    }
  }
}
