/**
 * @module The little of BER (X.690) that LDAP needs: tags with definite lengths.
 */

/** One element: its tag byte and where its content stands. */
export interface Element {
  readonly tag: number;
  readonly start: number;
  readonly end: number;
}

/** Longest element that is read, bytes. */
export const longestElement = 64 * 1024;

/**
 * The element at an offset. `undefined`: more bytes are needed; `null`: no element of definite length up to `longestElement`, or one
 * that reaches beyond `limit`.
 */
export function readElement(bytes: Uint8Array, offset: number, limit: number = Infinity): Element | undefined | null {
  const tag = bytes[offset];
  const first = bytes[offset + 1];
  if (tag === undefined || first === undefined) return undefined;
  // Multi-byte tags do not occur in LDAP (RFC 4511 §5.1).
  if ((tag & 0x1f) === 0x1f) return null;
  let length = first;
  let start = offset + 2;
  if (first >= 0x80) {
    const count = first & 0x7f;
    if (count === 0 || count > 4) return null;
    if (bytes.length < start + count) return undefined;
    length = 0;
    for (let index = 0; index < count; index++) length = length * 256 + bytes[start + index]!;
    start += count;
  }
  if (length > longestElement || start + length > limit) return null;
  return { tag, start, end: start + length };
}

/** Elements inside a range, at most 256; stops at the first that is malformed. */
export function* readElements(bytes: Uint8Array, start: number, end: number): Generator<Element, void> {
  let offset = start;
  for (let count = 0; count < 256 && offset < end; count++) {
    const element = readElement(bytes, offset, end);
    if (element === undefined || element === null) return;
    yield element;
    offset = element.end;
  }
}

/** An element as bytes; content up to 65,535 bytes. */
export function makeElement(tag: number, content: Uint8Array): Uint8Array {
  const { length } = content;
  const head = length < 0x80 ? [tag, length] : [tag, 0x82, length >> 8, length & 255];
  const bytes = new Uint8Array(head.length + length);
  bytes.set(head);
  bytes.set(content, head.length);
  return bytes;
}

/** Several pieces as one. */
export function joinBytes(...pieces: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let offset = 0;
  for (const piece of pieces) {
    bytes.set(piece, offset);
    offset += piece.length;
  }
  return bytes;
}
