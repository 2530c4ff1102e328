/**
 * @module Giving a server a name. While it is typed the server says what would come of it; the button does what is shown and nothing else.
 */
import { useComputed, useSignal, useSignalEffect } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { RouteInput, RouteProposal, RouteResult } from "../../../src/operations/route.ts";
import type { SuggestNameResult } from "../../../src/operations/suggest-name.ts";
import { ApiError, type Proposal } from "../api/client.ts";
import { client, services } from "../state/machine.ts";
import { localPortOf } from "../state/routes.ts";
import { announce } from "../state/view.ts";
import { safeText } from "../text/outside-text.ts";
import { Failure } from "../door/failure.tsx";
import { applyChange, AskDialog, Buttons } from "./ask-dialog.tsx";
import { serviceAt } from "./route-state.ts";

/** From the last key to the question what would come of it, milliseconds. */
const settleMs = 250;

const afterWords: Readonly<Record<SuggestNameResult["after"], string>> = {
  project: "after its project",
  container: "after its container",
  program: "after its program",
  port: "after its port: nothing else is known of it",
};

/** @param port the server's port when it is known from the beginning */
export function GiveName({ port }: { readonly port: number | null }) {
  const name = useSignal("");
  const target = useSignal(port === null ? "" : String(port));
  const strip = useSignal(false);
  const ownHost = useSignal(false);
  const force = useSignal(false);
  const after = useSignal<SuggestNameResult["after"] | null>(null);
  const proposed = useSignal<{ readonly key: string; readonly value: Proposal<"route"> } | null>(null);
  const failure = useSignal<ApiError | null>(null);
  const result = useSignal<RouteResult | null>(null);
  const busy = useSignal(false);
  const input = useComputed<RouteInput>(() => ({
    action: "add",
    name: name.value.trim(),
    target: target.value.trim(),
    ...(strip.value && name.value.includes("/") && { strip: true }),
    ...(ownHost.value && { ownHost: true }),
    ...(force.value && { force: true }),
  }));
  const key = useComputed(() => JSON.stringify(input.value));

  useEffect(() => {
    const suggest = async (): Promise<void> => {
      if (port === null || client.value === null) return;
      try {
        const suggestion = await client.value.call("suggest-name", { port: String(port) });
        if (name.value !== "") return;
        name.value = suggestion.name;
        after.value = suggestion.after;
      } catch {
        // The reader types one.
      }
    };
    void suggest();
  }, []);
  useSignalEffect(() => {
    const asked = key.value;
    const wish = input.peek();
    proposed.value = null;
    failure.value = null;
    if (wish.name === "" || wish.target === "") return undefined;
    const ask = async (): Promise<void> => {
      try {
        const value = await client.value!.propose("route", wish);
        if (key.peek() === asked) proposed.value = { key: asked, value };
      } catch (error) {
        if (key.peek() === asked && error instanceof ApiError) failure.value = error;
      }
    };
    const timer = setTimeout(() => void ask(), settleMs);
    return () => clearTimeout(timer);
  });

  const give = async (event: Event): Promise<void> => {
    event.preventDefault();
    const ready = proposed.value;
    if (ready === null || ready.key !== key.value || busy.value) return;
    busy.value = true;
    try {
      result.value = await applyChange("route", ready.value);
      announce(`${safeText(result.value.route.name, 360)} leads to ${safeText(result.value.route.target, 280)}.`);
    } catch (error) {
      // The ticket is used up: what would come of it is asked anew with the next key.
      proposed.value = null;
      if (error instanceof ApiError) failure.value = error;
    }
    busy.value = false;
  };
  const proposal = proposed.value?.value.proposal ?? null;
  const barred = proposal === null || (proposal.heldBy !== null && !force.value);
  return (
    <AskDialog title={port === null ? "Give a server a name" : `Give port ${port} a name`}>
      {(close) =>
        result.value !== null ? (
          <>
            <Given result={result.value} />
            <Buttons close={close} done>
              {null}
            </Buttons>
          </>
        ) : (
          <form onSubmit={(event) => void give(event)}>
            <label class="dialog-field">
              Name
              <input
                class="field mono"
                required
                maxLength={350}
                spellcheck={false}
                autocomplete="off"
                autocapitalize="none"
                placeholder="shop"
                aria-describedby="name-forms"
                value={name.value}
                onInput={(event) => {
                  name.value = event.currentTarget.value;
                  after.value = null;
                }}
              />
            </label>
            <p id="name-forms" class="soft name-forms">
              {after.value !== null && `Proposed ${afterWords[after.value]}. `}
              <code>shop</code> is shop.localhost, <code>shop/api</code> a path of it, <code>*.shop</code> every name
              below.
            </p>
            {port === null && (
              <label class="dialog-field">
                Leads to
                <input
                  class="field mono"
                  required
                  maxLength={280}
                  spellcheck={false}
                  autocomplete="off"
                  autocapitalize="none"
                  placeholder="3000, 192.168.1.8:5000, https://localhost:8443"
                  value={target.value}
                  onInput={(event) => (target.value = event.currentTarget.value)}
                />
              </label>
            )}
            {name.value.includes("/") && (
              <label class="scan-check">
                <input
                  type="checkbox"
                  checked={strip.value}
                  onChange={(event) => (strip.value = event.currentTarget.checked)}
                />
                Take the path off before the server sees it
              </label>
            )}
            <label class="scan-check">
              <input
                type="checkbox"
                checked={ownHost.value}
                onChange={(event) => (ownHost.value = event.currentTarget.checked)}
              />
              The server sees its own name in Host, not this one
            </label>
            <div class="name-preview" role="status">
              {proposal !== null && <Preview proposal={proposal} />}
              {proposal === null && failure.value === null && (
                <p class="soft">What would come of it is told here while you type.</p>
              )}
            </div>
            {proposal !== null && proposal.heldBy !== null && (
              <label class="scan-check">
                <input
                  type="checkbox"
                  checked={force.value}
                  onChange={(event) => (force.value = event.currentTarget.checked)}
                />
                Take it over from that program
              </label>
            )}
            {failure.value !== null && <Failure error={failure.value} />}
            <Buttons close={close} done={false}>
              <button type="submit" class="button button-main" disabled={barred || busy.value}>
                Give it this name
              </button>
            </Buttons>
          </form>
        )
      }
    </AskDialog>
  );
}

/** What would be done. */
function Preview({ proposal }: { readonly proposal: RouteProposal }) {
  const { name, urls, target, leadsNow, gatewayRuns, heldBy } = proposal;
  const port = target === null ? null : localPortOf({ target });
  return (
    <>
      <p class="name-way">
        <bdi class="mono name-strong">{safeText(urls[0] ?? name, 360)}</bdi>{" "}
        <span class="soft" aria-hidden="true">
          →
        </span>
        <span class="unseen">leads to</span> <bdi class="mono">{safeText(target ?? "", 280)}</bdi>
      </p>
      <p>
        {leadsNow === null
          ? "Nobody has this name yet."
          : leadsNow === target
            ? "It leads there already."
            : `It leads to ${safeText(leadsNow, 280)} now, and will no longer.`}
      </p>
      {heldBy !== null && (
        <p class="name-warning">
          It belongs to process {heldBy.pid}, which still runs:{" "}
          <bdi class="mono">{safeText(heldBy.command.join(" "), 200)}</bdi>
        </p>
      )}
      {port !== null && serviceAt(port, services.value) === undefined && (
        <p class="name-warning">Nobody listens at port {port} yet; until somebody does, the gateway's page says so.</p>
      )}
      {!gatewayRuns && (
        <p>
          No gateway runs: one is started with it, at port 80 of this machine alone, or at 4280 where 80 takes a
          privilege. <code>portolan gateway stop</code> ends it.
        </p>
      )}
    </>
  );
}

function Given({ result: { route, replaced } }: { readonly result: RouteResult }) {
  const [url] = route.urls;
  const wildcard = route.name.startsWith("*.");
  return (
    <div role="status" class="name-given">
      <p>
        {url !== undefined && !wildcard ? (
          <a class="mono name-strong" href={url} target="_blank" rel="noreferrer noopener">
            {safeText(url, 360)}
          </a>
        ) : (
          <bdi class="mono name-strong">{safeText(route.name, 360)}</bdi>
        )}{" "}
        leads to <bdi class="mono">{safeText(route.target, 280)}</bdi>.
      </p>
      {replaced && <p class="soft">It led elsewhere before.</p>}
    </div>
  );
}
