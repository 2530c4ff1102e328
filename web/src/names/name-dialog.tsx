/**
 * @module What is asked before a name is given or taken away, or the gateway is started: what would be done is in sight, and the button does that.
 */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { ApiError, type Proposal } from "../api/client.ts";
import type { Changes } from "../api/operations.ts";
import { client } from "../state/machine.ts";
import { gatewayFacts } from "../state/routes.ts";
import { announce, type NameQuestion } from "../state/view.ts";
import { safeText } from "../text/outside-text.ts";
import { Failure } from "../door/failure.tsx";
import { applyChange, AskDialog, Buttons } from "./ask-dialog.tsx";
import { GiveName } from "./give-name.tsx";

/** The dialog that the question needs. */
export function NameDialog({ question }: { readonly question: NameQuestion }) {
  switch (question.kind) {
    case "give":
      return <GiveName port={question.port} />;
    case "remove":
      return <RemoveName name={question.name} />;
    default:
      return <StartGateway />;
  }
}

/** A change whose input is known from the beginning. */
function useChange<Name extends keyof Changes>(name: Name, input: Changes[Name]["input"]) {
  const proposed = useSignal<Proposal<Name> | null>(null);
  const result = useSignal<Changes[Name]["result"] | null>(null);
  const failure = useSignal<ApiError | null>(null);
  const busy = useSignal(false);
  const attempt = async (work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      if (error instanceof ApiError) failure.value = error;
    }
  };
  useEffect(() => {
    void attempt(async () => void (proposed.value = await client.value!.propose(name, input)));
  }, []);
  const apply = async (words: (done: Changes[Name]["result"]) => string): Promise<void> => {
    if (proposed.value === null || busy.value) return;
    const { value } = proposed;
    busy.value = true;
    await attempt(async () => {
      result.value = await applyChange(name, value);
      announce(words(result.value));
    });
    busy.value = false;
  };
  return { proposed, result, failure, busy, apply };
}

function RemoveName({ name }: { readonly name: string }) {
  const { proposed, result, failure, busy, apply } = useChange("route", { action: "remove", name });
  const shown = safeText(name, 360);
  const done = `${shown} leads nowhere any more.`;
  const { leadsNow = null, heldBy = null } = proposed.value?.proposal ?? {};
  return (
    <AskDialog title={`Remove ${shown}`}>
      {(close) => (
        <>
          {failure.value !== null && <Failure error={failure.value} />}
          {result.value !== null ? (
            <p role="status">{done}</p>
          ) : (
            proposed.value !== null && (
              <>
                <p>
                  The name leads to <bdi class="mono">{safeText(leadsNow ?? "", 280)}</bdi>, and will lead nowhere. The
                  server itself goes on under its number.
                </p>
                {heldBy !== null && (
                  <p class="name-warning">
                    It belongs to process {heldBy.pid}, which still runs:{" "}
                    <bdi class="mono">{safeText(heldBy.command.join(" "), 200)}</bdi>
                  </p>
                )}
              </>
            )
          )}
          <Buttons close={close} done={result.value !== null || failure.value !== null}>
            <button
              type="button"
              class="button button-bad"
              disabled={busy.value || proposed.value === null}
              onClick={() => void apply(() => done)}
            >
              Remove the name
            </button>
          </Buttons>
        </>
      )}
    </AskDialog>
  );
}

function StartGateway() {
  const { proposed, result, failure, busy, apply } = useChange("start-gateway", {});
  return (
    <AskDialog title="Start the gateway">
      {(close) => (
        <>
          {failure.value !== null && <Failure error={failure.value} />}
          {result.value !== null ? (
            <>
              <p role="status">
                The gateway runs: process {result.value.gateway.pid}, port{" "}
                {result.value.gateway.listeners.map(({ port }) => port).join(" and ")}.
              </p>
              {result.value.gateway.notes.map((note) => (
                <p key={note} class="name-warning">
                  {safeText(note, 600)}
                </p>
              ))}
            </>
          ) : (
            proposed.value !== null && (
              <>
                <p>
                  {proposed.value.proposal.pid === null
                    ? "A process of its own is started:"
                    : `It runs already, as process ${proposed.value.proposal.pid}. What would have been started:`}
                </p>
                <p>
                  <bdi class="door-command mono">{safeText(proposed.value.proposal.command.join(" "), 600)}</bdi>
                </p>
                <p>
                  It answers on this machine alone: at port 80 of both loopback addresses, or at 4280 where 80 takes a
                  privilege. It goes on when this page has ended; <code>portolan gateway stop</code> ends it.
                </p>
              </>
            )
          )}
          <Buttons close={close} done={result.value !== null || failure.value !== null}>
            <button
              type="button"
              class="button button-main"
              disabled={busy.value || proposed.value === null || gatewayFacts.value !== null}
              onClick={() => void apply(({ gateway }) => `The gateway runs as process ${gateway.pid}.`)}
            >
              Start it
            </button>
          </Buttons>
        </>
      )}
    </AskDialog>
  );
}
