/**
 * @module Where a request goes: its target's form (RFC 9112, section 3.2) and the name in it.
 */

/** A target that is one. */
export interface TargetForm {
  readonly path: string;
  readonly authority?: string;
  /** The absolute form names https. */
  readonly secure?: boolean;
}

/** The target of a request; `undefined` for none of RFC 9112, section 3.2. */
export function readTargetForm(method: string, url: string): TargetForm | undefined {
  // A fragment is the client's own: who finds one in a target reads two different paths.
  if (url.charCodeAt(0) === slash) return url.includes("#") ? undefined : { path: url };
  if (url === "*") return method === "OPTIONS" ? { path: "*" } : undefined;
  const match = /^http(s?):\/\/([^/?#]+)(\/[^#]*|\?[^#]*)?$/i.exec(url);
  if (match === null) return undefined;
  // OPTIONS of a name alone is about the server as a whole (RFC 9112, section 3.2.4).
  const rest = match[3] ?? (method === "OPTIONS" ? "*" : "/");
  return { authority: match[2]!, path: rest.startsWith("?") ? `/${rest}` : rest, secure: match[1] !== "" };
}

const slash = 0x2f;
const authorityForm = /^(\[[0-9a-f:.]+\]|[a-z0-9._~!$&'()*+,;=%-]*)(?::(\d{0,5}))?$/i;

/** The name of an authority, or `undefined` when it is none. User information is none: requests do not carry it (RFC 9110, section 4.2.4). */
export function hostNameOf(authority: string): string | undefined {
  const match = authorityForm.exec(authority);
  if (match === null || Number(match[2] ?? 0) > 65_535) return undefined;
  const name = match[1]!.toLowerCase();
  return name.endsWith(".") ? name.slice(0, -1) : name;
}
