/**
 * @module Who may speak to the server at all: requests under a foreign name or from a foreign page are refused before anything is read.
 *
 * A page of another site can make a browser send requests here. It can do so under its own name, when that is made to resolve to this
 * address (DNS rebinding): then `Host` tells. Or across origins: then `Origin` or `Sec-Fetch-Site` (Fetch Metadata) tells; a server on
 * another port of this address is another origin. No answer carries a CORS header.
 */

/** What of a request decides. */
export interface Approach {
  readonly method: string;
  readonly path: string;
  readonly host: string | undefined;
  readonly origin: string | undefined;
  /** `Sec-Fetch-Site`. */
  readonly fetchSite: string | undefined;
  /** `Sec-Fetch-Mode`. */
  readonly fetchMode: string | undefined;
}

const hostForm = /^(localhost|\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i;

/**
 * Why a request is refused, or `null`.
 *
 * `Host` is `localhost` or an address in digits: no resolver is asked for these, so nobody can make them mean another machine. The port is not
 * compared, so that a forwarded one (ssh -L) works.
 */
export function refuseApproach({ method, path, host, origin, fetchSite, fetchMode }: Approach): string | null {
  if (host === undefined || !hostForm.test(host)) {
    return "The Host header names neither localhost nor an address: this server answers under no other name.";
  }
  if (origin !== undefined && origin !== `http://${host}`) {
    return "The request comes from another origin, which is not let in.";
  }
  if (fetchSite === undefined || fetchSite === "same-origin") return null;
  // Typed into the address bar, a bookmark, the file that opens the page; a link elsewhere may lead to the page, and only there.
  const opens = method === "GET" && fetchMode === "navigate" && !path.startsWith("/api/");
  if (opens) return null;
  return "The request comes from another site, which is not let in.";
}
