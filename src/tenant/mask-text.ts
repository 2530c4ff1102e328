/**
 * @module Secrets inside one text: URLs, headers, `name=value` pairs, well-known token shapes, private keys. Linear time.
 */
import { readNameMeaning } from "./secret-names.ts";

/** What stands in place of a secret. */
export const mask = "***";

/** Masks everything in a text that can be told without knowing the words around it. */
export function maskPatterns(text: string): string {
  // Shortest secret that any pattern takes, and nothing that could announce one.
  if (text.length < 3) return text;
  let masked = text;
  if (masked.includes("-----BEGIN ")) masked = maskPrivateKeys(masked);
  if (masked.includes("://")) masked = maskUrls(masked);
  if (masked.includes("=") || masked.includes(":")) masked = maskPairs(masked);
  masked = maskSchemes(masked);
  return maskShapes(maskJsonWebTokens(masked));
}

/** The body of each PEM block with `PRIVATE KEY` in its label (RFC 7468); to the end when it is not closed. */
function maskPrivateKeys(text: string): string {
  const parts: string[] = [];
  let position = 0;
  for (;;) {
    const begin = text.indexOf("-----BEGIN ", position);
    if (begin === -1) break;
    const labelEnd = text.indexOf("-----", begin + 11);
    if (labelEnd === -1) break;
    const bodyStart = labelEnd + 5;
    // Labels are short; a far-away mark belongs to something else.
    if (labelEnd - begin > 80 || !text.slice(begin, labelEnd).includes("PRIVATE KEY")) {
      parts.push(text.slice(position, begin + 11));
      position = begin + 11;
      continue;
    }
    const end = text.indexOf("-----END ", bodyStart);
    parts.push(text.slice(position, bodyStart), mask);
    if (end === -1) return parts.join("");
    position = end;
  }
  parts.push(text.slice(position));
  return parts.join("");
}

/** Passwords in the user information of URLs (RFC 3986 §3.2.1), and long names there, which are tokens. The user stays. */
function maskUrls(text: string): string {
  const parts: string[] = [];
  let position = 0;
  for (;;) {
    const mark = text.indexOf("://", position);
    if (mark === -1) break;
    const start = mark + 3;
    let end = start;
    // The end of the authority, the last @ in it, and the first colon.
    let at = -1;
    let colon = -1;
    let inAuthority = true;
    let authorityEnd = -1;
    for (; end < text.length; end++) {
      const code = text.charCodeAt(end);
      if (code <= 32 || code === 34 || code === 39 || code === 60 || code === 62 || code === 96) break;
      if (code === 47 || code === 63 || code === 35) {
        if (inAuthority && at !== -1) break;
        if (inAuthority) authorityEnd = end;
        inAuthority = false;
        // The next URL of a list begins: this one has no more to tell.
        if (code === 47 && text.startsWith("://", end - 1) && end > start) break;
      } else if (code === 64) at = end;
      else if (code === 58 && colon === -1 && inAuthority) colon = end;
    }
    parts.push(text.slice(position, start));
    position = start;
    if (at !== -1) {
      if (!inAuthority && authorityEnd !== -1 && authorityEnd < at) {
        // `user:pa/ss@host`, a password that should have been encoded, but not `host:80/a@b`.
        const port = colon === -1 ? "80" : text.slice(colon + 1, authorityEnd);
        if (/^\d{0,5}$/.test(port)) at = -1;
      }
      if (at !== -1 && colon !== -1 && colon < at) {
        parts.push(text.slice(position, colon + 1), colon + 1 < at ? mask : "");
        position = at;
      } else if (at !== -1 && at - position >= 20 && /\d/.test(text.slice(position, Math.min(at, position + 256)))) {
        parts.push(mask);
        position = at;
      }
    }
    // A list of URLs without blanks: go on behind what was read, but not over the next mark.
    const next = text.indexOf("://", position);
    if (next === -1) break;
    const goOn = Math.min(Math.max(position, end), next);
    parts.push(text.slice(position, goOn));
    position = goOn;
  }
  parts.push(text.slice(position));
  return parts.join("");
}

/** Names that are headers: their value goes to the end of the line. */
const headerNames = /(?:^|[-_H])(?:authorization|cookie|set-cookie|x-[a-z-]{1,40})$/i;
/** Parameters that are secrets in the query of a URL only. */
const queryNames: ReadonlySet<string> = new Set(["key", "sig", "signature", "sas", "auth"]);

/** `name=value`, `"name":"value"`, `name: value`, `Header: value` with a name that announces a secret. */
function maskPairs(text: string): string {
  const parts: string[] = [];
  let position = 0;
  const separators = /[=:]/g;
  for (let match = separators.exec(text); match !== null; match = separators.exec(text)) {
    const at = match.index;
    if (at < position) continue;
    const colon = text.charCodeAt(at) === 58;
    let nameEnd = at;
    const quoteCode = text.charCodeAt(at - 1);
    const quoted = at > position && (quoteCode === 34 || quoteCode === 39);
    if (quoted) nameEnd--;
    let nameStart = nameEnd;
    while (nameStart > position && nameEnd - nameStart < 128 && isNameCode(text.charCodeAt(nameStart - 1))) nameStart--;
    if (nameStart === nameEnd) continue;
    const name = text.slice(nameStart, nameEnd);
    const before = nameStart > 0 ? text[nameStart - 1]! : "";
    const inQuery = !colon && (before === "?" || before === "&");
    const meaning = readNameMeaning(name) ?? (inQuery && queryNames.has(name.toLowerCase()) ? "secret" : undefined);
    if (meaning === undefined) continue;
    // `arn:aws:…:secret:name`, `https://token:…` and times are not pairs.
    if (colon && (before === ":" || before === "/" || text.startsWith("//", at + 1))) continue;
    let start = at + 1;
    if (colon) while (start < text.length && start < at + 16 && text.charCodeAt(start) === 32) start++;
    if (colon && start === at + 1 && !quoted && before !== "" && !/[\s"'{,-]/.test(before)) continue;
    const header = colon && headerNames.test(name);
    const value = findValue(text, start, { query: inQuery, header });
    if (value.end === value.start) continue;
    const secret = text.slice(value.start, value.end);
    if (isHarmlessValue(secret, meaning)) continue;
    parts.push(text.slice(position, value.start), header ? keepScheme(secret) : mask);
    position = value.end;
    separators.lastIndex = position;
  }
  parts.push(text.slice(position));
  return parts.join("");
}

function isNameCode(code: number): boolean {
  return (
    (code >= 48 && code <= 57) ||
    (code >= 65 && code <= 90) ||
    (code >= 97 && code <= 122) ||
    code === 95 ||
    code === 45 ||
    code === 46
  );
}

/** Where a value begins and ends, without its quotes. */
function findValue(
  text: string,
  start: number,
  kind: { readonly query: boolean; readonly header: boolean },
): { start: number; end: number } {
  const opening = text[start];
  if (opening === '"' || opening === "'") {
    let end = start + 1;
    for (; end < text.length && text[end] !== opening; end++) if (opening === '"' && text[end] === "\\") end++;
    return { start: start + 1, end: Math.min(end, text.length) };
  }
  let end = start;
  for (; end < text.length; end++) {
    const character = text[end]!;
    if (kind.header) {
      if (character === "\n" || character === "\r" || character === '"' || character === "'") break;
      continue;
    }
    if (/[\s"'`]/.test(character)) break;
    if (kind.query && (character === "&" || character === "#" || character === "<" || character === ">")) break;
    if (
      !kind.query &&
      (character === ";" || character === "&" || character === "|" || character === ")" || character === "}")
    )
      break;
    // `password=x,uid=0`: another pair begins; otherwise the comma is part of the password.
    if (character === "," && /^,[A-Za-z_][\w-]{0,40}[=:]/.test(text.slice(end, end + 48))) break;
  }
  // White space behind a header's value is not part of it (RFC 9110 §5.5).
  if (kind.header) while (end > start && /\s/.test(text.charAt(end - 1))) end--;
  return { start, end };
}

/** `Bearer x` → `Bearer ***`. */
function keepScheme(value: string): string {
  const match = /^(Bearer|Basic|Digest|Token|ApiKey|Negotiate|AWS4-HMAC-SHA256) +/i.exec(value);
  return match === null ? mask : match[0] + mask;
}

/** Values that are switches or modes, or files where a file is expected. */
export function isHarmlessValue(value: string, meaning: "secret" | "secret-or-path" | "auth"): boolean {
  if (value === "" || value === "true" || value === "false") return true;
  if (meaning === "auth") {
    return /^(?:none|no|yes|on|off|0|1|null|enabled|disabled|basic|digest|password|token|oauth2?|oidc|ldap|pam|trust|md5|required|optional|any)$/i.test(
      value,
    );
  }
  if (meaning === "secret-or-path")
    return value.length < 4096 && /^(?:\.{0,2}\/|~\/|[A-Za-z]:\\)|\.(?:pem|key|crt|p12|pfx|der)$/.test(value);
  return false;
}

/** `Bearer x` and `Basic x` outside a header. */
function maskSchemes(text: string): string {
  return text.replace(
    /\b(Bearer|Basic)( {1,8})([A-Za-z0-9+/._~=-]{8,})/gi,
    (whole, scheme: string, gap: string, value: string) => {
      // Prose such as `basic authentication` has neither digits nor capitals inside.
      return /[0-9=]|[a-z][A-Z]/.test(value.slice(0, 512)) ? `${scheme}${gap}${mask}` : whole;
    },
  );
}

/** JSON Web Tokens (RFC 7519): three base64url parts, the first of which begins `{"`. */
function maskJsonWebTokens(text: string): string {
  const parts: string[] = [];
  let position = 0;
  let search = 0;
  for (;;) {
    const start = text.indexOf("eyJ", search);
    if (start === -1) break;
    const headEnd = endOfBase64(text, start);
    const bodyEnd = text[headEnd] === "." ? endOfBase64(text, headEnd + 1) : headEnd;
    const preceded = start > 0 && /[A-Za-z0-9]/.test(text[start - 1]!);
    if (preceded || headEnd - start < 8 || bodyEnd - headEnd < 8) {
      // Every other start within the head fails for want of a body, unless the start alone was wrong.
      search = bodyEnd - headEnd < 8 ? Math.max(headEnd, start + 3) : start + 3;
      if (preceded && bodyEnd - headEnd >= 8) search = headEnd;
      continue;
    }
    const end = text[bodyEnd] === "." ? endOfBase64(text, bodyEnd + 1) : bodyEnd;
    parts.push(text.slice(position, start), mask);
    position = end;
    search = end;
  }
  parts.push(text.slice(position));
  return parts.join("");
}

function endOfBase64(text: string, start: number): number {
  let end = start;
  for (; end < text.length; end++) {
    const code = text.charCodeAt(end);
    if (!isNameCode(code) || code === 46) break;
  }
  return end;
}

let shapes: RegExp | undefined;

/** Token shapes that their issuers publish. Every alternative matches, or fails within a few characters: linear. */
function maskShapes(text: string): string {
  if (text.length < 16) return text;
  shapes ??= new RegExp(
    "(?<![A-Za-z0-9])(?:" +
      [
        "gh[pousr]_[A-Za-z0-9]{20,}", // GitHub
        "github_pat_[A-Za-z0-9_]{20,}",
        "glpat-[A-Za-z0-9_-]{16,}", // GitLab
        "sk-(?=[A-Za-z_-]{0,64}[0-9])[A-Za-z0-9_-]{16,}", // OpenAI, Anthropic
        "[sr]k_(?:live|test)_[A-Za-z0-9]{16,}", // Stripe
        "xox[abeoprs]-[A-Za-z0-9-]{8,}", // Slack
        "(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])", // AWS
        "npm_[A-Za-z0-9]{20,}",
        "pypi-[A-Za-z0-9_-]{32,}",
        "hf_[A-Za-z0-9]{20,}", // Hugging Face
        "AIza[A-Za-z0-9_-]{32,}", // Google
        "ya29\\.[A-Za-z0-9_-]{16,}",
        "dop_v1_[a-f0-9]{32,}", // DigitalOcean
        "dckr_pat_[A-Za-z0-9_-]{16,}",
        "shpat_[a-fA-F0-9]{24,}",
        "SG\\.[A-Za-z0-9_-]{16,}\\.[A-Za-z0-9_-]{16,}", // SendGrid
        "hvs\\.[A-Za-z0-9_-]{20,}", // Vault
      ].join("|") +
      ")",
    "g",
  );
  return text.replace(shapes, mask);
}
