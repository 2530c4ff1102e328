/**
 * @module Header compression of HTTP/2 (HPACK, RFC 7541): decoding within bounds, and encoding without compression.
 */
import { latin1Bytes, latin1Text } from "./talk.ts";

/** Default size of the dynamic table (RFC 7541 §4.2, RFC 9113 §6.5.2), bytes. */
export const defaultTableSize = 4096;

/** Most fields of one block, and most units of their names and values together. */
const mostFields = 128;
const mostText = 64 * 1024;

/** One field: name and value, Latin-1. */
export type HeaderField = readonly [name: string, value: string];

/** Static table (RFC 7541 Appendix A): names, and after `=` a value. */
const staticText =
  ":authority|:method=GET|:method=POST|:path=/|:path=/index.html|:scheme=http|:scheme=https|:status=200|:status=204|" +
  ":status=206|:status=304|:status=400|:status=404|:status=500|accept-charset|accept-encoding=gzip, deflate|" +
  "accept-language|accept-ranges|accept|access-control-allow-origin|age|allow|authorization|cache-control|" +
  "content-disposition|content-encoding|content-language|content-length|content-location|content-range|content-type|" +
  "cookie|date|etag|expect|expires|from|host|if-match|if-modified-since|if-none-match|if-range|if-unmodified-since|" +
  "last-modified|link|location|max-forwards|proxy-authenticate|proxy-authorization|range|referer|refresh|retry-after|" +
  "server|set-cookie|strict-transport-security|transfer-encoding|user-agent|vary|via|www-authenticate";

let staticTable: readonly HeaderField[] | undefined;

function getStaticTable(): readonly HeaderField[] {
  staticTable ??= staticText.split("|").map((entry): HeaderField => {
    const equals = entry.indexOf("=");
    return equals === -1 ? [entry, ""] : [entry.slice(0, equals), entry.slice(equals + 1)];
  });
  return staticTable;
}

/**
 * Bits of the code of each symbol 0 to 256 (RFC 7541 Appendix B). The code is canonical: codes of one length follow each other in the
 * order of their symbols, so the lengths are the whole table.
 */
const codeLengths =
  "13 23 28 28 28 28 28 28 28 24 30 28 28 30 28 28 28 28 28 28 28 28 30 28 28 28 28 28 28 28 28 28 6 10 10 12 13 6 8 11 " +
  "10 10 8 11 8 6 6 6 5 5 5 6 6 6 6 6 6 6 7 8 15 6 12 10 13 6 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 8 7 8 13 19 13 14 " +
  "6 15 5 6 5 6 5 6 6 6 5 7 7 6 6 6 5 6 7 6 5 5 6 7 7 7 7 7 15 11 14 13 28 20 22 20 20 22 22 22 23 22 23 23 23 23 23 24 23 " +
  "24 24 22 23 24 23 23 23 23 21 22 23 22 23 23 24 22 21 20 22 22 23 23 21 23 22 22 24 21 22 23 23 21 21 22 21 23 22 23 " +
  "23 20 22 22 22 23 22 22 23 26 26 20 19 22 23 22 25 26 26 26 27 27 26 24 25 19 21 26 27 27 26 27 24 21 21 26 26 28 27 " +
  "27 27 20 24 20 21 22 21 21 23 22 22 25 25 24 24 26 23 26 27 26 26 27 27 27 27 27 28 27 27 27 27 27 26 30";

const endOfString = 256;
const longestCode = 30;

interface HuffmanTable {
  /** By length: the first code, and where its symbols start in `symbols`. */
  readonly first: readonly number[];
  readonly start: readonly number[];
  readonly count: readonly number[];
  readonly symbols: readonly number[];
}

let huffmanTable: HuffmanTable | undefined;

function getHuffmanTable(): HuffmanTable {
  if (huffmanTable !== undefined) return huffmanTable;
  const lengths = codeLengths.split(" ").map(Number);
  const first: number[] = [];
  const start: number[] = [];
  const count: number[] = [];
  const symbols: number[] = [];
  let code = 0;
  for (let length = 0; length <= longestCode; length++) {
    const here = lengths.flatMap((bits, symbol) => (bits === length ? [symbol] : []));
    first.push(code);
    start.push(symbols.length);
    count.push(here.length);
    symbols.push(...here);
    code = (code + here.length) * 2;
  }
  huffmanTable = { first, start, count, symbols };
  return huffmanTable;
}

/** Decodes a string (RFC 7541 §5.2); `null` for a code that does not exist, an end-of-string symbol, or wrong padding. */
export function decodeHuffman(bytes: Uint8Array): string | null {
  const { first, start, count, symbols } = getHuffmanTable();
  const decoded: number[] = [];
  let code = 0;
  let length = 0;
  for (const byte of bytes) {
    for (let bit = 7; bit >= 0; bit--) {
      code = code * 2 + ((byte >> bit) & 1);
      length += 1;
      const offset = code - first[length]!;
      if (offset >= 0 && offset < count[length]!) {
        const symbol = symbols[start[length]! + offset]!;
        if (symbol === endOfString) return null;
        decoded.push(symbol);
        code = 0;
        length = 0;
      } else if (length === longestCode) return null;
    }
  }
  // Padding: fewer than eight bits, all ones.
  if (length > 7 || code !== 2 ** length - 1) return null;
  return latin1Text(Uint8Array.from(decoded));
}

/** Decodes the header blocks of one connection, in their order. */
export class HpackDecoder {
  readonly #limit: number;
  #size: number;
  #entries: HeaderField[] = [];
  #used = 0;
  #bytes: Uint8Array = new Uint8Array(0);
  #at = 0;

  /** @param tableSize largest dynamic table that was allowed to the other side, bytes */
  constructor(tableSize: number = defaultTableSize) {
    this.#limit = tableSize;
    this.#size = tableSize;
  }

  /** Bytes that the dynamic table counts (RFC 7541 §4.1). */
  get used(): number {
    return this.#used;
  }

  /** All fields of a whole block; `null` when it is malformed or larger than is kept: the connection can then not be read on. */
  decode(block: Uint8Array): readonly HeaderField[] | null {
    this.#bytes = block;
    this.#at = 0;
    const fields: HeaderField[] = [];
    let text = 0;
    while (this.#at < block.length) {
      const field = this.#decodeNext(fields.length > 0);
      if (field === null) return null;
      if (field === "resized") continue;
      fields.push(field);
      text += field[0].length + field[1].length;
      if (fields.length > mostFields || text > mostText) return null;
    }
    return fields;
  }

  #decodeNext(started: boolean): HeaderField | "resized" | null {
    const kind = this.#bytes[this.#at]!;
    // 1xxxxxxx: indexed field (§6.1).
    if ((kind & 0x80) !== 0) {
      const index = this.#integer(7);
      return index === null ? null : this.#entry(index);
    }
    // 001xxxxx: new size of the dynamic table (§6.3), only at the start of a block (§4.2).
    if ((kind & 0xe0) === 0x20) {
      const size = this.#integer(5);
      if (size === null || size > this.#limit || started) return null;
      this.#size = size;
      this.#evict(0);
      return "resized";
    }
    // 01xxxxxx: literal that is indexed; 0000xxxx, 0001xxxx: one that is not (§6.2).
    const indexed = (kind & 0xc0) === 0x40;
    const index = this.#integer(indexed ? 6 : 4);
    if (index === null) return null;
    const name = index === 0 ? this.#string() : (this.#entry(index)?.[0] ?? null);
    if (name === null) return null;
    const value = this.#string();
    if (value === null) return null;
    if (indexed) this.#add([name, value]);
    return [name, value];
  }

  /** Integer with a prefix of that many bits (§5.1), at most 2^21: nothing here needs more. */
  #integer(prefix: number): number | null {
    const mask = 2 ** prefix - 1;
    let value = this.#bytes[this.#at++]! & mask;
    if (value < mask) return value;
    for (let factor = 1; factor <= 2 ** 14; factor *= 128) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) return null;
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
    return null;
  }

  #string(): string | null {
    const first = this.#bytes[this.#at];
    if (first === undefined) return null;
    const length = this.#integer(7);
    if (length === null || this.#at + length > this.#bytes.length) return null;
    const bytes = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at += length;
    return (first & 0x80) === 0 ? latin1Text(bytes) : decodeHuffman(bytes);
  }

  #entry(index: number): HeaderField | null {
    const fixed = getStaticTable();
    return (index <= fixed.length ? fixed[index - 1] : this.#entries[index - fixed.length - 1]) ?? null;
  }

  #add(field: HeaderField): void {
    const size = sizeOf(field);
    this.#evict(size);
    // A field larger than the table empties it, which is no error (§4.4).
    if (size > this.#size) return;
    this.#entries.unshift(field);
    this.#used += size;
  }

  /** Makes room (§4.3, §4.4). */
  #evict(room: number): void {
    while (this.#entries.length > 0 && this.#used + room > this.#size) this.#used -= sizeOf(this.#entries.pop()!);
  }
}

function sizeOf([name, value]: HeaderField): number {
  return name.length + value.length + 32;
}

/** Encodes fields as literals without indexing and without Huffman codes (RFC 7541 §6.2.2): any server can read them. */
export function encodeFields(fields: readonly HeaderField[]): Uint8Array {
  const bytes: number[] = [];
  for (const [name, value] of fields) bytes.push(0, ...encodeString(name), ...encodeString(value));
  return Uint8Array.from(bytes);
}

function encodeString(text: string): number[] {
  const encoded = [...latin1Bytes(text)];
  const length: number[] = [];
  if (encoded.length < 127) length.push(encoded.length);
  else {
    length.push(127);
    let rest = encoded.length - 127;
    for (; rest >= 128; rest = Math.floor(rest / 128)) length.push(128 + (rest % 128));
    length.push(rest);
  }
  return [...length, ...encoded];
}
