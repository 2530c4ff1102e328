/**
 * @module Who is connected to a port now, looked at again and again while the door is open.
 */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { ListedConnection } from "../../../src/operations/connections.ts";
import { client } from "../state/machine.ts";
import { followed } from "../state/view.ts";
import { countOf, formatBytes } from "../text/figures.ts";
import { safeText } from "../text/outside-text.ts";
import { Section } from "./parts.tsx";

/** Between two looks, milliseconds. */
const paceMs = 1500;
const mostShown = 12;

/** The live clients of a TCP port. */
export function Clients({ port }: { readonly port: number }) {
  const connections = useSignal<readonly ListedConnection[] | null>(null);
  useEffect(() => {
    const abort = new AbortController();
    let timer: number | undefined;
    const look = async (): Promise<void> => {
      try {
        if (!document.hidden && client.value !== null) {
          const result = await client.value.call(
            "connections",
            { port: [String(port)], transport: "tcp", limit: 200 },
            abort.signal,
          );
          connections.value = result.connections.filter(
            ({ servicePort, state, direction }) =>
              servicePort === port && state === "ESTABLISHED" && direction !== "out",
          );
        }
      } catch {
        // The link's state is told in the page's head.
      }
      if (!abort.signal.aborted) timer = window.setTimeout(() => void look(), paceMs);
    };
    void look();
    return () => {
      abort.abort();
      clearTimeout(timer);
    };
  }, [port]);
  const all = connections.value;
  if (all === null) return null;
  return (
    <Section title={`Live clients: ${all.length}`}>
      {all.length === 0 ? (
        <p class="soft">Nobody is connected at this moment.</p>
      ) : (
        <ul class="door-clients">
          {all.slice(0, mostShown).map((connection) => (
            <li key={keyOf(connection)}>
              <button
                type="button"
                class="button door-client"
                onClick={() => (followed.value = followedOf(connection, port))}
              >
                <span class="mono">
                  {connection.direction === "local" ? connection.local.address : connection.remote.address}:
                  {clientPort(connection, port)}
                </span>
                <span class="soft">
                  {clientName(connection)} ↓{" "}
                  {formatBytes(connection.direction === "local" ? connection.sent : connection.received)} ↑{" "}
                  {formatBytes(connection.direction === "local" ? connection.received : connection.sent)}
                </span>
                <span>Follow its packets</span>
              </button>
            </li>
          ))}
        </ul>
      )}
      {all.length > mostShown && <p class="soft">and {countOf(all.length - mostShown, "more client")}</p>}
    </Section>
  );
}

/** The end that called. */
function callerOf({ local, remote }: ListedConnection, port: number) {
  return local.port === port && remote.port !== port ? remote : remote.port === port ? local : remote;
}

function clientPort(connection: ListedConnection, port: number): number {
  return callerOf(connection, port).port;
}

function clientName(connection: ListedConnection): string {
  if (connection.direction !== "local") return "another device";
  const holder = connection.holders.known ? connection.holders.value[0] : undefined;
  return holder === undefined
    ? "this machine"
    : `${holder.name.known ? safeText(holder.name.value, 40) : "process"} ${holder.pid}`;
}

function keyOf({ local, remote }: ListedConnection): string {
  return `${local.address}:${local.port}-${remote.address}:${remote.port}`;
}

function followedOf(connection: ListedConnection, port: number) {
  const caller = callerOf(connection, port);
  const called = caller === connection.local ? connection.remote : connection.local;
  return {
    port,
    localAddress: called.address,
    localPort: called.port,
    remoteAddress: caller.address,
    remotePort: caller.port,
  };
}
