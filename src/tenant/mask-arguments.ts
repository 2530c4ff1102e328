/**
 * @module Passwords and tokens taken out of command lines before anybody sees them.
 */
import { isHarmlessValue, mask, maskPatterns } from "./mask-text.ts";
import { readNameMeaning } from "./secret-names.ts";
import type { NameMeaning } from "./secret-names.ts";

/** Short options of programs whose value is a secret, or `user:secret`. */
interface ClientOptions {
  /** The secret may be glued to it: `-pSECRET`. */
  readonly glued?: string;
  /** The secret may be the next argument: `-p SECRET`. */
  readonly next?: string;
  /** `user:secret` follows, glued or next. */
  readonly user?: readonly string[];
  /** What parts user and secret, `:` by default. */
  readonly userMark?: string;
}

const mysqlClient: ClientOptions = { glued: "-p" };
const curlClient: ClientOptions = { user: ["-u", "-U", "--user", "--proxy-user"] };

/** Programs with such options. Those with none are listed where they follow one that has: `sshpass -p x ssh -p 22`. */
const clients: Readonly<Record<string, ClientOptions>> = {
  curl: curlClient,
  sshpass: { glued: "-p", next: "-p" },
  "redis-cli": { glued: "-a", next: "-a" },
  "valkey-cli": { glued: "-a", next: "-a" },
  mongo: { next: "-p" },
  mongosh: { next: "-p" },
  mongodump: { next: "-p" },
  mongorestore: { next: "-p" },
  ldapsearch: { next: "-w", glued: "-w" },
  ldapmodify: { next: "-w", glued: "-w" },
  sqlcmd: { next: "-P", glued: "-P" },
  "7z": { glued: "-p" },
  zip: { next: "-P" },
  unzip: { next: "-P" },
  smbclient: { user: ["-U", "--user"], userMark: "%" },
  rpcclient: { user: ["-U", "--user"], userMark: "%" },
  http: { user: ["-a", "--auth"] },
  https: { user: ["-a", "--auth"] },
  ssh: {},
  scp: {},
  sftp: {},
  rsync: {},
  ansible: {},
};

/** What the previous argument says about the next one. */
type Expectation =
  | { readonly kind: "value"; readonly meaning: NameMeaning }
  | { readonly kind: "user"; readonly mark: string }
  | undefined;

/**
 * An argument list with every recognized secret replaced by `***`, the rest kept. Takes names that announce a secret
 * (`--password x`, `--db-pass=x`, `PGPASSWORD=x`), URLs, headers, token shapes and private keys, also inside shell code, and
 * the short options of some clients (`mysql -pX`, `curl -u user:x`). Linear time; masking twice changes nothing.
 * A secret that nothing announces stays: this is a courtesy, not a guarantee.
 */
export function maskArguments(argv: readonly string[]): readonly string[] {
  let masked: readonly string[] = argv;
  for (let pass = 0; pass < passLimit; pass++) {
    const next = maskWords(masked, "arguments");
    if (next.every((word, index) => word === masked[index])) break;
    masked = next;
  }
  return masked;
}

/**
 * A mask can bring an announcing name next to what stood behind the secret, in text with unbalanced quotes. Passes are made until
 * one changes nothing, which the second nearly always does.
 */
const passLimit = 8;

/** The same for a text, such as a shell command or a log line. White space stays as it is. */
export function maskText(text: string): string {
  let masked = text;
  for (let pass = 0; pass < passLimit; pass++) {
    const next = maskTextOnce(masked);
    if (next === masked) break;
    masked = next;
  }
  return masked;
}

function maskTextOnce(text: string): string {
  return maskShellText(maskPatterns(text), 0);
}

/** Most levels of quoted shell code inside shell code. */
const depthLimit = 4;

function maskShellText(text: string, depth: number): string {
  const pieces = splitWords(text);
  // Odd elements are the white space between the words.
  const words = pieces.filter((_, index) => index % 2 === 0);
  const masked = maskWords(words, "text");
  return pieces
    .map((piece, index) => {
      if (index % 2 === 1) return piece;
      const word = masked[index / 2] ?? "";
      const inner = depth < depthLimit && word === piece ? quotedCode(word) : undefined;
      return inner === undefined ? word : word[0] + maskShellText(inner, depth + 1) + word[0];
    })
    .join("");
}

/** The inside of a word that is quoted as a whole and holds white space. */
function quotedCode(word: string): string | undefined {
  const inner = unquote(word);
  return inner !== word && /\s/.test(inner) ? inner : undefined;
}

/**
 * Words and the white space between them, in turn, beginning with a word. A quote at the beginning of a word or behind `=`
 * keeps white space together up to the next one of its kind; a quote without a second one is an ordinary character.
 */
function splitWords(text: string): string[] {
  const pieces: string[] = [];
  let position = 0;
  let start = 0;
  const exhausted = new Set<string>();
  const blank = /\s/;
  while (position < text.length) {
    const character = text[position]!;
    if (blank.test(character)) {
      pieces.push(text.slice(start, position));
      start = position;
      while (position < text.length && blank.test(text[position]!)) position++;
      pieces.push(text.slice(start, position));
      start = position;
      continue;
    }
    position++;
    if ((character !== '"' && character !== "'") || exhausted.has(character)) continue;
    if (position - 1 > start && text[position - 2] !== "=") continue;
    const end = text.indexOf(character, position);
    if (end === -1) exhausted.add(character);
    else position = end + 1;
  }
  pieces.push(text.slice(start));
  return pieces;
}

function maskWords(words: readonly string[], kind: "arguments" | "text"): string[] {
  const masked: string[] = [];
  let client: ClientOptions = {};
  let expectation: Expectation;
  let previous = "";
  for (const word of words) {
    const expected: Expectation = expectation;
    expectation = undefined;
    const option = word.startsWith("-") && word.length > 1;
    if (expected !== undefined && !option && word !== "") {
      if (expected.kind === "user") {
        masked.push(maskUser(word, expected.mark));
        continue;
      }
      if (expected.meaning !== undefined && !isHarmlessValue(unquote(word), expected.meaning)) {
        masked.push(kind === "text" ? maskQuoted(word) : mask);
        continue;
      }
    }
    if (option) {
      const result = maskOption(word, client, kind);
      masked.push(result.text);
      expectation = result.expectation;
    } else {
      client = findClient(word) ?? client;
      masked.push(maskOperand(word, kind, previous));
    }
    previous = word;
  }
  return masked;
}

function maskOption(
  word: string,
  client: ClientOptions,
  kind: "arguments" | "text",
): { text: string; expectation: Expectation } {
  for (const flag of client.user ?? []) {
    const mark = client.userMark ?? ":";
    if (word === flag) return { text: word, expectation: { kind: "user", mark } };
    const glue = flag.startsWith("--") ? `${flag}=` : flag;
    if (word.startsWith(glue) && !word.startsWith("--", flag.startsWith("--") ? 2 : 0)) {
      return { text: glue + maskUser(word.slice(glue.length), mark), expectation: undefined };
    }
  }
  if (client.next === word) return { text: word, expectation: { kind: "value", meaning: "secret" } };
  if (client.glued !== undefined && word.startsWith(client.glued) && word.length > 2) {
    return { text: client.glued + mask, expectation: undefined };
  }
  const equals = word.indexOf("=");
  const dashes = word.startsWith("--") ? 2 : 1;
  const name = word.slice(dashes, equals === -1 ? word.length : equals);
  // A single letter or a cluster of them is no name.
  const meaning = name.length < 2 || !/^[A-Za-z][\w.:-]*$/.test(name.slice(0, 256)) ? undefined : readNameMeaning(name);
  if (meaning === undefined) {
    if (equals === -1 || kind === "text") return { text: maskFree(word, kind), expectation: undefined };
    const value = maskOperand(word.slice(equals + 1), kind, "");
    return { text: maskFree(word.slice(0, equals + 1) + value, kind), expectation: undefined };
  }
  if (equals === -1) return { text: word, expectation: { kind: "value", meaning } };
  const value = word.slice(equals + 1);
  if (isHarmlessValue(unquote(value), meaning)) return { text: maskFree(word, kind), expectation: undefined };
  return { text: word.slice(0, equals + 1) + (kind === "text" ? maskQuoted(value) : mask), expectation: undefined };
}

/** An argument that is no option: `NAME=secret` to its end, whatever it holds; otherwise what patterns find. */
function maskOperand(word: string, kind: "arguments" | "text", previous: string): string {
  const equals = word.indexOf("=");
  const shellCode = /^-[a-z]{0,8}c$/.test(previous) && /\s/.test(word);
  if (kind === "arguments" && equals > 0 && equals <= 128 && !shellCode) {
    const name = word.slice(0, equals);
    const meaning = /^[A-Za-z_][\w.-]*$/.test(name) ? readNameMeaning(name) : undefined;
    if (meaning !== undefined && !isHarmlessValue(word.slice(equals + 1), meaning)) return `${name}=${mask}`;
  }
  return maskFree(word, kind);
}

function maskFree(word: string, kind: "arguments" | "text"): string {
  // Words of a text have been through the patterns as a whole.
  return kind === "text" ? word : maskTextOnce(word);
}

function maskUser(word: string, mark: string): string {
  const index = word.indexOf(mark);
  return index === -1 || index === word.length - 1 ? word : word.slice(0, index + 1) + mask;
}

/** A secret as a word of shell code: its quotes stay. */
function maskQuoted(word: string): string {
  const first = word[0];
  const last = word.at(-1);
  const open = first === '"' || first === "'" ? first : "";
  const close = word.length > 1 && (last === '"' || last === "'") ? last : "";
  return open + mask + close;
}

function unquote(word: string): string {
  return word.length > 1 && (word[0] === '"' || word[0] === "'") && word.at(-1) === word[0] ? word.slice(1, -1) : word;
}

function findClient(word: string): ClientOptions | undefined {
  if (word.length > 4096) return undefined;
  const name = word.slice(word.lastIndexOf("/") + 1);
  if (/^(?:mysql|mariadb)[a-z-]{0,20}$/.test(name) && !/^(?:mysqld|mariadbd)/.test(name)) return mysqlClient;
  return Object.hasOwn(clients, name) ? clients[name] : undefined;
}
