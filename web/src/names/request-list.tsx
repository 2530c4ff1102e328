/**
 * @module Requests as they happen, newest first: who asked which name for what, who answered what, how fast. Bounded, and it says what it left out.
 */
import { memo } from "preact/compat";
import type { RequestEvent } from "../../../src/operations/trace.ts";
import { nameOf } from "../building/tenants.ts";
import { Failure } from "../door/failure.tsx";
import { services } from "../state/machine.ts";
import { gatewayFacts, listedRoutes, localPortOf } from "../state/routes.ts";
import { announce } from "../state/view.ts";
import { countOf, formatBytes, formatClock, formatCount } from "../text/figures.ts";
import { safeText } from "../text/outside-text.ts";
import {
  heldBack,
  mostRequests,
  requests,
  showOnly,
  shownName,
  told,
  trafficFailure,
  type ShownRequest,
} from "./requests.ts";
import { serviceAt } from "./route-state.ts";

/** The list with its controls. */
export function RequestList() {
  const names = (listedRoutes.value ?? []).map(({ name }) => name);
  // A name that was removed while it was chosen stays to be seen.
  const offered = shownName.value === null || names.includes(shownName.value) ? names : [shownName.value, ...names];
  return (
    <section class="requests" aria-labelledby="requests-title">
      <div class="names-head">
        <h2 id="requests-title">Requests as they happen</h2>
        <div class="requests-controls">
          <label class="scan-check">
            <span class="soft">Show</span>
            <select
              class="field"
              value={shownName.value ?? ""}
              onChange={({ currentTarget: { value } }) => showOnly(value === "" ? null : value)}
            >
              <option value="">every name</option>
              {offered.map((name) => (
                <option key={name} value={name}>
                  {safeText(name, 80)}
                </option>
              ))}
            </select>
          </label>
          <button type="button" class="button" aria-pressed={heldBack.value !== null} onClick={pause}>
            {heldBack.value === null ? "Pause" : "Go on"}
          </button>
        </div>
      </div>
      <p class="soft requests-sum">{sumWords()}</p>
      {trafficFailure.value !== null && <Failure error={trafficFailure.value} />}
      {requests.value.length > 0 && <RequestTable shown={requests.value} />}
    </section>
  );
}

function pause(): void {
  const pausing = heldBack.value === null;
  heldBack.value = pausing ? 0 : null;
  announce(pausing ? "The list of requests stands still." : "The list of requests goes on.");
}

function sumWords(): string {
  if (gatewayFacts.value === null) return "No gateway runs, so nothing passes.";
  const { requests: counted, leftOut } = told.value;
  if (counted === 0) {
    return "Nothing has passed since this view was opened. A request is told when its answer is complete, a WebSocket when it is closed.";
  }
  const left =
    leftOut === 0
      ? "all of them listed as they came"
      : `${formatCount(leftOut)} of them counted but not listed: they came too fast to be read`;
  const held =
    heldBack.value === null ? "" : ` The list stands still; ${countOf(heldBack.value, "more has", "more have")} come.`;
  return `${countOf(counted, "request")} since this view was opened, ${left}; the newest ${mostRequests} stay here.${held}`;
}

function RequestTable({ shown }: { readonly shown: readonly ShownRequest[] }) {
  return (
    <div class="scan-table-frame requests-frame" tabIndex={0} role="region" aria-label="The newest requests">
      <table class="requests-table">
        <thead>
          <tr>
            <th scope="col" class="requests-time">
              Time
            </th>
            <th scope="col" class="requests-status">
              Status
            </th>
            <th scope="col">Asked for</th>
            <th scope="col" class="requests-who">
              Answered by
            </th>
            <th scope="col" class="requests-took">
              Took
            </th>
            <th scope="col" class="requests-bytes">
              Bytes
            </th>
            <th scope="col" class="requests-client">
              Client
            </th>
          </tr>
        </thead>
        <tbody>
          {shown.map(({ id, request }) => (
            <RequestRow key={id} request={request} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Drawn once: what it shows stays as it was told. */
const RequestRow = memo(({ request }: { readonly request: RequestEvent }) => {
  const { at, method, host, path, status, elapsedMs, receivedBytes, sentBytes, client, protocol, secure, failure } =
    request;
  return (
    <tr>
      <td class="requests-time mono soft">{clockOf(at)}</td>
      <td class={`requests-status mono requests-${kindOf(status)}`}>{status === 0 ? "none" : status}</td>
      <td class="requests-what">
        <span class="mono">{safeText(method, 20)}</span> <bdi class="mono">{safeText(host, 120)}</bdi>
        <bdi class="mono requests-path">{safeText(path, 300)}</bdi>
        {failure !== null && <span class="requests-failure">{safeText(failure, 120)}</span>}
      </td>
      <td class="requests-who">
        <Answerer request={request} />
      </td>
      <td class="requests-took mono">{tookWords(elapsedMs)}</td>
      <td class="requests-bytes mono">
        {sentBytes === null
          ? formatBytes(receivedBytes)
          : `↓ ${formatBytes(receivedBytes)} ↑ ${formatBytes(sentBytes)}`}
      </td>
      <td class="requests-client">
        <span class="mono">{safeText(client, 60)}</span>{" "}
        <span class="soft">
          {protocol}
          {secure ? ", TLS" : ""}
        </span>
      </td>
    </tr>
  );
});

/** The rule that was taken, and the process behind it. */
function Answerer({ request: { route, rule, target, pid } }: { readonly request: RequestEvent }) {
  if (route === null || target === null) {
    return <span class="soft">{rule === "gateway" ? "the gateway's own page" : "nobody has this name"}</span>;
  }
  const port = localPortOf({ target });
  const service = port === null ? undefined : serviceAt(port, services.value);
  const process = service?.holders.known === true ? service.holders.value[0]?.pid : undefined;
  return (
    <>
      <bdi>{service === undefined ? safeText(target, 80) : nameOf(service)}</bdi>{" "}
      <span class="mono soft">{pid ?? process ?? ""}</span>
      <bdi class="requests-route soft">
        {rule === "wildcard" ? "by " : ""}
        {safeText(route, 120)}
      </bdi>
    </>
  );
}

function kindOf(status: number): string {
  return status === 0 || status >= 500 ? "bad" : status >= 400 ? "odd" : "good";
}

function clockOf(at: string): string {
  const atMs = Date.parse(at);
  return `${formatClock(atMs)}.${String(atMs % 1000).padStart(3, "0")}`;
}

function tookWords(elapsedMs: number): string {
  if (elapsedMs < 10) return `${elapsedMs.toFixed(1)} ms`;
  return elapsedMs < 10_000 ? `${Math.round(elapsedMs)} ms` : `${(elapsedMs / 1000).toFixed(1)} s`;
}
