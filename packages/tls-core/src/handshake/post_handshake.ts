/** What follows the handshake: application data, KeyUpdate and NewSessionTicket (RFC 8446 section 4.6). */
import { TlsError } from '../error.ts';
import { nextTrafficSecret } from '../keys/tls13_key_schedule.ts';
import { checkPlaced } from '../messages/extension.ts';
import { encodeMessage, type HandshakeMessage, parseBody } from '../messages/handshake.ts';
import { keyUpdate, newSessionTicket } from '../messages/post_handshake.ts';
import { Tls13RecordOpener, Tls13RecordSealer } from '../record/protection_tls13.ts';
import { ContentType, ExtensionType, HandshakeType, KeyUpdateRequest } from '../registry.ts';
import { type Step } from '../step/step.ts';
import { type HandshakeIo, type Traffic } from './io.ts';

/** How many handshake messages may come without application data between them. */
const maxConsecutiveMessages = 32;

/** What the connection does with what comes. */
export interface TrafficSink {
  /** Application data; now the sink's own. */
  readonly deliver: (content: readonly Uint8Array[]) => void;
  /** The peer asked for a KeyUpdate of ours. */
  readonly keyUpdateRequested: () => void;
}

/** Receives until the peer's close_notify. */
export function* receiveTraffic(io: HandshakeIo, traffic: Traffic, sink: TrafficSink): Step<void> {
  const { inbound } = io;
  let messages = 0;
  for (;;) {
    const record = yield* inbound.record();
    if (record === undefined) return;
    if (record.type === ContentType.application_data) {
      messages = 0;
      sink.deliver(record.content);
      continue;
    }
    for (let message = inbound.join(record); message !== undefined; message = inbound.joined()) {
      if (++messages > maxConsecutiveMessages) {
        const reason = 'TooManyConsecutiveHandshakeMessagesAfterHandshake';
        throw new TlsError({ code: 'PeerMisbehaved', reason });
      }
      receiveMessage(io, traffic, sink, message);
    }
  }
}

function receiveMessage(
  { inbound }: HandshakeIo,
  traffic: Traffic,
  sink: TrafficSink,
  message: HandshakeMessage,
): void {
  if (message.type === HandshakeType.key_update) {
    const request = parseBody('KeyUpdate', keyUpdate, message);
    traffic.readSecret = nextTrafficSecret(traffic.suite, traffic.readSecret);
    inbound.setOpener(new Tls13RecordOpener(traffic.suite, traffic.readSecret));
    if (request === KeyUpdateRequest.update_requested) sink.keyUpdateRequested();
  } else if (message.type === HandshakeType.new_session_ticket && traffic.role === 'client') {
    // Well-formed or refused; there is no store for it.
    const { extensions } = parseBody('NewSessionTicket', newSessionTicket, message);
    checkPlaced('NewSessionTicket', extensions, [ExtensionType.early_data]);
  } else {
    const expected: HandshakeType[] = [HandshakeType.key_update];
    if (traffic.role === 'client') expected.push(HandshakeType.new_session_ticket);
    throw new TlsError({ code: 'InappropriateHandshakeMessage', expected, received: message.type });
  }
}

/** Sends a KeyUpdate and goes over to the next key (section 4.6.3). */
export function sendKeyUpdate({ outbound }: HandshakeIo, traffic: Traffic, request: KeyUpdateRequest): void {
  traffic.writeSecret = nextTrafficSecret(traffic.suite, traffic.writeSecret);
  const sealer = new Tls13RecordSealer(traffic.suite, traffic.writeSecret);
  outbound.send(ContentType.handshake, encodeMessage(HandshakeType.key_update, keyUpdate, request));
  outbound.setSealer(sealer);
}
