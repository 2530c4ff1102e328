/**
 * @module What requests and answers byte by byte have in common: their kind, and what the RFC makes of them.
 */

/** What every case says of itself. */
export interface Case {
  readonly name: string;
  readonly bytes: string;
  /**
   * What the RFC makes of it: a message like any other (`valid`), one that is to be refused (`invalid`), or one that a recipient may refuse,
   * mend or take as it is, each in a way that the section names (`choice`). Default: `valid` where the gateway passes it on, else `invalid`.
   */
  readonly rfc?: "valid" | "invalid" | "choice";
  /** The section that rules it, where that is not its family's. */
  readonly section?: string;
}

/** A case and where it belongs. */
export type OfFamily<C> = C & { readonly family: string; readonly section: string };

/** Cases of one kind, and the section that rules them. */
export function family<C extends Case>(title: string, section: string, cases: readonly C[]): OfFamily<C>[] {
  return cases.map((one) => ({ family: title, section, ...one }));
}
