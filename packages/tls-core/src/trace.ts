/** What a connection tells of itself while it runs: names and sizes, never contents, and never a secret. */
import {
  type AlertDescription,
  type CipherSuite,
  type HandshakeType,
  type NamedGroup,
  type ProtocolVersion,
} from './registry.ts';

/** Something that happened in a connection. Code points have their names by `nameOf`; sizes and counts are numbers. */
export type TraceEvent =
  /** A new state: which messages may come next. */
  | { readonly type: 'expecting'; readonly handshakeTypes: readonly HandshakeType[] }
  | {
      readonly type: 'message';
      readonly direction: 'sent' | 'received';
      readonly handshakeType: HandshakeType;
      /** In bytes, with the 4 of the header. */
      readonly length: number;
    }
  | {
      readonly type: 'alert';
      readonly direction: 'sent' | 'received';
      /** 1 for a warning, 2 for a fatal one. */
      readonly level: number;
      readonly description: AlertDescription;
    }
  /** What is sent, or received, from here on is under another key, or under one at all. */
  | {
      readonly type: 'key-change';
      readonly direction: 'sent' | 'received';
      /** Of this direction, under all keys up to now. */
      readonly protectedRecords: number;
    }
  /** What the hellos decided; how a session was resumed, if one was, is in the kind. */
  | {
      readonly type: 'negotiated';
      readonly protocolVersion: ProtocolVersion;
      readonly cipherSuite: CipherSuite;
      /** Where it is known by now: in TLS 1.2 a client hears of it later. */
      readonly keyExchangeGroup: NamedGroup | undefined;
      readonly handshakeKind: string | undefined;
    }
  /** The handshake is complete: application data may come and go. */
  | {
      readonly type: 'complete';
      readonly keyExchangeGroup: NamedGroup | undefined;
      readonly alpnProtocol: string | undefined;
    }
  /** Nothing more is received: the peer said close_notify, or the connection failed. */
  | {
      readonly type: 'ended';
      /** The `code` of the `TlsError`, if it failed. */
      readonly error: string | undefined;
      readonly protectedRecordsSent: number;
      readonly protectedRecordsReceived: number;
    };

/**
 * Takes the events of one connection, in order. It must not call the connection. What it throws is ignored, and it is
 * called no more for that connection, which goes on as if it had not been there.
 */
export type Trace = (event: TraceEvent) => void;

/** Called for each connection once, when it begins, or as soon as a server has chosen the configuration for it. */
export type Tracer = () => Trace;
