/**
 * @module What a view is: how one operation's result and events look on a terminal.
 */
import type { Block } from "./print/document.ts";

/** What a view may know of its surroundings. */
export interface ViewContext {
  /** Columns of the page; `Infinity` in a pipe. */
  readonly columns: number;
  /** The result goes to a terminal. */
  readonly terminal: boolean;
  /** How this command can be run with more rights, e.g. `sudo /usr/bin/node /…/portolan.cjs list`. */
  readonly asRoot: string;
}

/** How one operation looks. */
export interface View<Result, Event = never> {
  /** The result, for standard output. */
  readonly result: (result: Result, context: ViewContext) => readonly Block[];
  /** Text that goes out as it is in place of the result's blocks: a document or a script, for other programs. */
  readonly raw?: (result: Result) => string | undefined;
  /** An event as it comes, for standard output. */
  readonly event?: (event: Event, context: ViewContext) => readonly Block[];
  /** What is said of an event on standard error, where standard output belongs to somebody else. */
  readonly announce?: (event: Event, context: ViewContext) => readonly Block[];
  /** What is said beside the result on standard error: what could not be seen, and what would help. */
  readonly notes?: (result: Result, context: ViewContext) => readonly Block[];
  /** Exit status of a complete result. Default 0. */
  readonly exitStatus?: (result: Result) => number;
  /** What a change would do, for standard error, before it is asked about. */
  readonly proposal?: (proposal: never, context: ViewContext) => readonly Block[];
  /** The question that follows the proposal, answered with y or n: `End these 2 processes?` */
  readonly question?: (proposal: never) => string;
  /** True when, on a terminal, the reader decides when the next event comes (Enter). */
  readonly pausesAfter?: (event: Event) => boolean;
}
