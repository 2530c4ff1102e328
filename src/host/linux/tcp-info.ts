/**
 * @module What a TCP connection carried, out of the kernel's struct tcp_info (include/uapi/linux/tcp.h). Pure.
 *
 * The struct only ever grows at its end, so that its size tells which fields there are:
 * u8 state, ca_state, retransmits, probes, backoff, options, window scales, flags; then u32 rto (8), ato, snd_mss, rcv_mss,
 * unacked, sacked, lost, retrans, fackets, last_data_sent (44), last_ack_sent, last_data_recv (52), last_ack_recv, pmtu,
 * rcv_ssthresh, rtt (68), rttvar (72), …; u64 pacing_rate (104), max_pacing_rate, bytes_acked (120), bytes_received (128);
 * u32 segs_out, …; u64 delivery_rate (160), …; u64 bytes_sent (200).
 */
import { unknown, type Known, type SocketState, type SocketTraffic } from "../../core/index.ts";

/** INET_DIAG_INFO, include/uapi/linux/inet_diag.h. */
const informationAttribute = 2;
const idleSendAt = 44;
const idleReceiveAt = 52;
const roundTripAt = 68;
const deviationAt = 72;
const acknowledgedAt = 120;
const receivedAt = 128;
const sentAt = 200;
/** Up to bytes_received, Linux 4.1 (2015). */
const leastSize = 136;

const untold: Known<never> = unknown("unsupported");

/**
 * Looks for the struct among a row's attributes. A listener's counts something else, and what has no socket any more has none.
 * @param from first attribute
 * @param end end of the row, inside `bytes`
 */
export function readTraffic(bytes: Buffer, from: number, end: number, state: SocketState): Known<SocketTraffic> {
  if (state === "LISTEN" || state === "BOUND") return untold;
  let at = from;
  while (at + 4 <= end) {
    const size = bytes[at]! | (bytes[at + 1]! << 8);
    if (size < 4 || at + size > end) break;
    // The two highest bits of an attribute's type are flags (NLA_TYPE_MASK).
    if ((bytes[at + 2]! | ((bytes[at + 3]! & 0x3f) << 8)) === informationAttribute) {
      return size - 4 < leastSize ? untold : decodeTraffic(bytes, at + 4, size - 4);
    }
    at += (size + 3) & ~3;
  }
  return untold;
}

function decodeTraffic(bytes: Buffer, at: number, size: number): Known<SocketTraffic> {
  const roundTrip = bytes.readUInt32LE(at + roundTripAt);
  return {
    known: true,
    value: {
      bytesAcknowledged: readCounter(bytes, at + acknowledgedAt),
      bytesSent: size >= sentAt + 8 ? readCounter(bytes, at + sentAt) : null,
      bytesReceived: readCounter(bytes, at + receivedAt),
      // No time that was measured is 0 (tcp_rtt_estimator).
      roundTripMicroseconds: roundTrip === 0 ? null : roundTrip,
      roundTripDeviationMicroseconds: roundTrip === 0 ? null : bytes.readUInt32LE(at + deviationAt),
      idleSendMs: bytes.readUInt32LE(at + idleSendAt),
      idleReceiveMs: bytes.readUInt32LE(at + idleReceiveAt),
    },
  };
}

/** A counter of 64 bits; exact up to 2⁵³ bytes, nine million gigabytes. */
function readCounter(bytes: Buffer, at: number): number {
  return bytes.readUInt32LE(at) + bytes.readUInt32LE(at + 4) * 0x1_0000_0000;
}
