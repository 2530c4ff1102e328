/**
 * @module The gateway: whether it runs, where it listens, why not at the usual port, how much it has done.
 */
import type { RunningGateway } from "../../../src/operations/gateway-facts.ts";
import { gatewayFacts, listedRoutes } from "../state/routes.ts";
import { nameQuestion, openDoor } from "../state/view.ts";
import { formatBytes, formatCount } from "../text/figures.ts";
import { safeText } from "../text/outside-text.ts";

/** The card at the head of the view. */
export function GatewayCard() {
  const gateway = gatewayFacts.value;
  return (
    <section class={`gateway${gateway === null ? " gateway-none" : ""}`} aria-labelledby="gateway-title">
      <h2 id="gateway-title">
        <span class="gateway-lamp" aria-hidden="true" />
        {gateway === null ? "No gateway runs" : "The gateway runs"}
      </h2>
      {gateway === null ? <Missing /> : <Running gateway={gateway} />}
    </section>
  );
}

function Missing() {
  return (
    <>
      <p>
        {listedRoutes.value?.length === 0
          ? "It is started with the first name, and leads each request to the server whose name it was sent to."
          : "Until one does, the names below lead nowhere; the servers go on under their numbers."}
      </p>
      <button type="button" class="button button-main" onClick={() => (nameQuestion.value = { kind: "start" })}>
        Start the gateway
      </button>
    </>
  );
}

function Running({ gateway }: { readonly gateway: RunningGateway }) {
  const { listeners, pid, startedAt, requests, openConnections, residentBytes, notes } = gateway;
  return (
    <>
      <dl class="gateway-facts">
        <div>
          <dt>Listens at</dt>
          <dd>
            {listeners.map(({ scheme, addresses, port }) => (
              <span key={`${scheme}${port}`} class="gateway-listener">
                <button
                  type="button"
                  class="link-button mono"
                  aria-label={`Door ${port}, ${scheme}`}
                  onClick={() => openDoor(port)}
                >
                  {port}
                </button>{" "}
                {scheme} <span class="soft mono">{addresses.map((address) => safeText(address, 60)).join(", ")}</span>
              </span>
            ))}
          </dd>
        </div>
        <Figure name="Requests" value={formatCount(requests)} />
        <Figure name="Connections" value={String(openConnections)} />
        <Figure name="Memory" value={formatBytes(residentBytes)} />
        <Figure name="Process" value={String(pid)} />
        <Figure name="Since" value={new Date(startedAt).toLocaleString()} />
      </dl>
      {notes.map((note) => (
        <p key={note} class="gateway-note">
          {safeText(note, 600)}
        </p>
      ))}
    </>
  );
}

function Figure({ name, value }: { readonly name: string; readonly value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}
