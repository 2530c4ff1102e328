/**
 * @module Which path a request means, so that one resource has one route in whatever way it is written.
 */

/**
 * The path without detours (RFC 3986, section 6.2.2): `/%61pi/../x` is `/x`. Letters, digits, `-`, `.`, `_` and `~` are the same escaped or not
 * (RFC 9110, section 4.2.3); everything else that is escaped stays so: `%2F` is no slash. Slashes in a row are not one, capitals are not small.
 */
export function plainPath(path: string): string {
  const plain = path.includes("%")
    ? path.replaceAll(/%(?:2[de]|3\d|[46][1-9a-f]|[57][0-9a]|5f|7e)/gi, (escaped) =>
        String.fromCharCode(Number.parseInt(escaped.slice(1), 16)),
      )
    : path;
  return plain.includes("/.") ? withoutDots(plain) : plain;
}

/** Resolves `.` and `..` (RFC 3986, section 5.2.4). */
function withoutDots(path: string): string {
  const segments = path.split("/");
  const left: string[] = [];
  for (const [index, segment] of segments.entries()) {
    const dots = segment === "." || segment === "..";
    // Above the root there is nothing.
    if (segment === ".." && left.length > 1) left.pop();
    if (!dots) left.push(segment);
    else if (index === segments.length - 1) left.push("");
  }
  return left.join("/");
}
