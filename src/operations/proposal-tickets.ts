/**
 * @module Changes that were proposed and wait for a confirmation: each ticket applies its own proposal, once, and soon.
 */
import { randomBytes } from "node:crypto";
import { PortolanError } from "../core/index.ts";

/** How long a person may read a proposal before it has to be made anew, milliseconds. */
export const ticketLifeMs = 120_000;
const mostTickets = 64;

/** What a ticket stands for. */
export interface Ticket {
  /** Name of the operation. */
  readonly name: string;
  readonly input: unknown;
  readonly proposal: unknown;
}

/** The tickets of one server. */
export class Tickets {
  readonly #waiting = new Map<string, Ticket & { readonly goodUntilMs: number }>();
  readonly #nowMs: () => number;

  /** @param nowMs clock, milliseconds */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** A ticket for a proposal. */
  issue(ticket: Ticket): string {
    const word = randomBytes(24).toString("base64url");
    if (this.#waiting.size >= mostTickets) this.#waiting.delete(this.#waiting.keys().next().value!);
    this.#waiting.set(word, { ...ticket, goodUntilMs: this.#nowMs() + ticketLifeMs });
    return word;
  }

  /**
   * What the ticket stands for; it is used up by this.
   * @throws PROPOSAL_STALE when it is unknown, used, too old, or another operation's
   */
  take(word: string, name: string): Ticket {
    const ticket = this.#waiting.get(word);
    this.#waiting.delete(word);
    if (ticket === undefined || ticket.name !== name || ticket.goodUntilMs < this.#nowMs()) {
      throw new PortolanError("PROPOSAL_STALE", "This proposal was used already, or is too old.");
    }
    return ticket;
  }
}
