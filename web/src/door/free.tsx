/**
 * @module Freeing a port: who would be ended is shown first, a fresh confirmation follows, and then what came of it.
 */
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { KillEvent, KillProposal, KillResult, KillVictim } from "../../../src/operations/kill-schemas.ts";
import { ApiError, type Proposal } from "../api/client.ts";
import { client } from "../state/machine.ts";
import { announce, freeing } from "../state/view.ts";
import { countOf } from "../text/figures.ts";
import { safeText } from "../text/outside-text.ts";
import { Failure } from "./failure.tsx";

interface FreeProps {
  readonly port: number;
  readonly transport: string;
}

/** The button that opens the dialog. */
export function FreeButton({ port, transport }: FreeProps) {
  return (
    <button type="button" class="button button-bad" onClick={() => (freeing.value = { port, transport })}>
      Free it
    </button>
  );
}

/** The dialog. It stays when the service has gone, to tell what came of it. */
export function FreeDialog({ port, transport }: FreeProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const proposed = useSignal<Proposal<"kill"> | null>(null);
  const steps = useSignal<readonly string[]>([]);
  const result = useSignal<KillResult | null>(null);
  const failure = useSignal<ApiError | null>(null);
  const busy = useSignal(false);

  const propose = async (): Promise<void> => {
    if (client.value === null) return;
    try {
      proposed.value = await client.value.propose("kill", {
        targets: [String(port)],
        ...((transport === "tcp" || transport === "udp") && { transport }),
      });
    } catch (error) {
      if (error instanceof ApiError) failure.value = error;
    }
  };
  useEffect(() => {
    dialog.current?.showModal();
    void propose();
  }, []);
  const apply = async (): Promise<void> => {
    if (client.value === null || proposed.value === null) return;
    busy.value = true;
    try {
      const events = client.value.apply("kill", proposed.value.ticket, new AbortController().signal);
      for (;;) {
        const step = await events.next();
        if (step.done === true) {
          result.value = step.value;
          announce(outcomeWords(step.value));
          break;
        }
        steps.value = [...steps.value, eventWords(step.value)];
      }
    } catch (error) {
      if (error instanceof ApiError) failure.value = error;
    }
    busy.value = false;
  };
  const victims = proposed.value?.proposal.victims.filter(({ action }) => action !== "refuse") ?? [];
  return (
    <dialog
      ref={dialog}
      class="dialog"
      onClose={() => (freeing.value = null)}
      aria-labelledby={`free-${transport}-${port}`}
    >
      <h3 id={`free-${transport}-${port}`}>
        Free port {port} ({transport})
      </h3>
      {failure.value !== null && <Failure error={failure.value} />}
      {proposed.value === null && failure.value === null && <p>Looking who holds it …</p>}
      {proposed.value !== null && <Proposed proposal={proposed.value.proposal} />}
      {steps.value.length > 0 && (
        <ol class="free-steps">
          {steps.value.map((step, index) => (
            <li key={index}>{step}</li>
          ))}
        </ol>
      )}
      {result.value !== null && <p role="status">{outcomeWords(result.value)}</p>}
      <div class="dialog-buttons">
        <button type="button" class="button" onClick={() => dialog.current?.close()}>
          {result.value === null ? "Cancel" : "Close"}
        </button>
        {result.value === null && victims.length > 0 && (
          <button type="button" class="button button-bad" disabled={busy.value} onClick={() => void apply()}>
            End {countOf(victims.length, "process", "processes")}
          </button>
        )}
      </div>
    </dialog>
  );
}

function Proposed({ proposal }: { readonly proposal: KillProposal }) {
  const { victims, unseen, signal, graceMs } = proposal;
  return (
    <>
      {victims.length === 0 && unseen.length === 0 && <p>Nobody holds it any more.</p>}
      <ul class="free-victims">
        {victims.map((victim) => (
          <li key={victim.pid} class={`free-victim free-${victim.action}`}>
            <strong>
              <bdi>{victimName(victim)}</bdi> <span class="mono">{victim.pid}</span>
            </strong>
            <span class="soft"> {victim.userName.known ? safeText(victim.userName.value ?? "", 40) : ""}</span>
            {victim.arguments.known && (
              <bdi class="door-command mono">{safeText(victim.arguments.value.join(" "), 300)}</bdi>
            )}
            <p>
              {victim.action === "refuse"
                ? "Stays: "
                : victim.action === "stop-container"
                  ? "Its container is stopped. "
                  : ""}
              {safeText(victim.reason ?? "", 300)}
              {victim.otherUser ? " It belongs to another user." : ""}
            </p>
          </li>
        ))}
        {unseen.map(({ inode, reason }) => (
          <li key={inode} class="free-victim free-refuse">
            {safeText(reason, 300)}
          </li>
        ))}
      </ul>
      {victims.some(({ action }) => action === "signal") && (
        <p>
          {signal === "SIGKILL"
            ? "They get SIGKILL and cannot finish what they are doing."
            : `They get ${signal}, and SIGKILL when they still hold the port after ${graceMs / 1000} s.`}
        </p>
      )}
    </>
  );
}

function victimName({ name }: KillVictim): string {
  return name.known ? safeText(name.value, 60) : "process";
}

function eventWords(event: KillEvent): string {
  switch (event.kind) {
    case "signalled":
      return `${event.signal} to ${event.name.known ? safeText(event.name.value, 60) : "process"} ${event.pid}`;
    case "escalated":
      return `${event.pid} still held it after ${event.afterMs} ms: SIGKILL`;
    case "stopping-container":
      return `${event.engine} stops ${safeText(event.id.slice(0, 12))}`;
    default:
      return `Port ${event.port} (${event.transport}) free after ${event.afterMs} ms`;
  }
}

function outcomeWords({ outcome, ports }: KillResult): string {
  const successor = ports.find((port) => port.successor !== null)?.successor ?? null;
  if (successor !== null) {
    const stop = successor.stopInstead === null ? "" : ` Stop ${safeText(successor.stopInstead)} instead.`;
    return `It was started again at once${successor.broughtBy === null ? "" : ` by ${safeText(successor.broughtBy)}`}.${stop}`;
  }
  return outcome === "freed"
    ? "The port is free."
    : outcome === "nothing-there"
      ? "Nobody held it any more."
      : "The port is not free.";
}
