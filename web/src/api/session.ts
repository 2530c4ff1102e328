/**
 * @module Who the page is to its server: a token of one use from the address's fragment, exchanged for a key that this tab keeps.
 *
 * The key lies in sessionStorage: no cookie, which every other server on this address would receive.
 */

const storageKey = "portolan.key";

/** Why the page is not let in. */
export type Refusal = "no-token" | "token-refused" | "server-gone";

/**
 * The key of this tab, from an earlier load or in exchange for the token in the address. The token is taken out of the address and of the
 * history at once.
 */
export async function openSession(): Promise<{ readonly key: string } | { readonly refusal: Refusal }> {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (token !== null) {
    history.replaceState(null, "", location.pathname);
    let response: Response;
    try {
      response = await fetch("/api/session", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ token }),
      });
    } catch {
      return { refusal: "server-gone" };
    }
    if (response.ok) {
      const { key } = (await response.json()) as { key: string };
      sessionStorage.setItem(storageKey, key);
      return { key };
    }
  }
  const kept = sessionStorage.getItem(storageKey);
  if (kept !== null) return { key: kept };
  return { refusal: token === null ? "no-token" : "token-refused" };
}

/** Forgets the key, after the server has refused it. */
export function closeSession(): void {
  sessionStorage.removeItem(storageKey);
}
