/**
 * @module Scan another device, or this one, with live progress; what is found is drawn as that device's own building.
 */
import { useComputed, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { ScanEvent, ScanInput, ScanResult } from "../../../src/operations/scan.ts";
import { ApiError, type Progress } from "../api/client.ts";
import { Building } from "../building/building.tsx";
import { client } from "../state/machine.ts";
import { announce } from "../state/view.ts";
import { countOf } from "../text/figures.ts";
import { safeText } from "../text/outside-text.ts";
import { Failure } from "../door/failure.tsx";
import { isThisMachine, tenantOfDoor } from "./found-doors.ts";

const presets: readonly { readonly id: string; readonly title: string; readonly input: Partial<ScanInput> }[] = [
  { id: "usual", title: "The usual 1,000", input: {} },
  {
    id: "web",
    title: "Web and developers' ports",
    input: { port: "80,443,3000-3010,4200,5000,5173,5500,8000-8100,8443,1234,9000" },
  },
  { id: "all", title: "All 65,535", input: { allPorts: true } },
  { id: "own", title: "These ports:", input: {} },
];

/** The view. */
export function ScanView() {
  const target = useSignal("127.0.0.1");
  const preset = useSignal("usual");
  const ports = useSignal("1-1024");
  const identify = useSignal(true);
  const leave = useSignal(false);
  const doors = useSignal<readonly ScanEvent[]>([]);
  const progress = useSignal<Progress | null>(null);
  const result = useSignal<ScanResult | null>(null);
  const failure = useSignal<ApiError | null>(null);
  const abort = useRef<AbortController | null>(null);
  const running = useSignal(false);
  const open = useComputed(() => doors.value.filter(({ state }) => state === "open"));
  const tenants = useComputed(() => open.value.map(tenantOfDoor).sort((left, right) => left.port - right.port));
  const chosen = useSignal<number | null>(null);
  useEffect(() => () => abort.current?.abort(), []);

  const start = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (client.value === null || running.value) return;
    abort.current = new AbortController();
    [doors.value, progress.value, result.value, failure.value, chosen.value] = [[], null, null, null, null];
    running.value = true;
    const own =
      preset.value === "own" ? { port: ports.value } : (presets.find(({ id }) => id === preset.value)?.input ?? {});
    const input: ScanInput = { targets: [target.value.trim()], identify: identify.value, open: true, ...own };
    try {
      const events = client.value.stream("scan", input, abort.current.signal, (now) => (progress.value = now));
      for (;;) {
        const step = await events.next();
        if (step.done === true) {
          result.value = step.value;
          break;
        }
        doors.value = [...doors.value, step.value];
      }
      announce(`The scan is done: ${countOf(open.value.length, "open door")}.`);
    } catch (error) {
      if (error instanceof ApiError) failure.value = error;
      else if (abort.current.signal.aborted) announce("The scan was stopped.");
    }
    running.value = false;
  };
  const here = isThisMachine(target.value);
  const measure = progress.value?.measure ?? null;
  return (
    <div class="scan">
      <form class="scan-form" onSubmit={(event) => void start(event)}>
        <h2>Scan a device</h2>
        <label class="scan-field">
          Device
          <input
            class="field"
            required
            spellcheck={false}
            autocomplete="off"
            placeholder="192.168.1.20, a name, 192.168.1.0/24"
            value={target.value}
            onInput={(event) => (target.value = event.currentTarget.value)}
          />
        </label>
        <label class="scan-field">
          Ports
          <select class="field" value={preset.value} onChange={(event) => (preset.value = event.currentTarget.value)}>
            {presets.map(({ id, title }) => (
              <option key={id} value={id}>
                {title}
              </option>
            ))}
          </select>
        </label>
        {preset.value === "own" && (
          <label class="scan-field">
            Set of ports
            <input
              class="field"
              required
              placeholder="22,80,8000-8100,..1023,ssh"
              value={ports.value}
              onInput={(event) => (ports.value = event.currentTarget.value)}
            />
          </label>
        )}
        <label class="scan-check">
          <input
            type="checkbox"
            checked={identify.value}
            onChange={(event) => (identify.value = event.currentTarget.checked)}
          />
          Ask open doors what they are
        </label>
        {!here && (
          <label class="scan-check">
            <input
              type="checkbox"
              required
              checked={leave.value}
              onChange={(event) => (leave.value = event.currentTarget.checked)}
            />
            It is mine, or its owner allows it
          </label>
        )}
        {running.value ? (
          <button type="button" class="button" onClick={() => abort.current?.abort()}>
            Stop
          </button>
        ) : (
          <button type="submit" class="button button-main">
            Scan
          </button>
        )}
      </form>
      {failure.value !== null && <Failure error={failure.value} />}
      {running.value && (
        <p class="scan-progress">
          <progress
            aria-label="Progress of the scan"
            {...(measure !== null && measure.total > 0 && { value: measure.done, max: measure.total })}
          />
          <span role="status">{safeText(progress.value?.message ?? "Asking …", 160)}</span>
        </p>
      )}
      {result.value !== null && (
        <p class="scan-sum" role="status">
          {countOf(open.value.length, "open door")}; {countOf(result.value.asked, "port")} asked in{" "}
          {(result.value.elapsedMs / 1000).toPrecision(2)} s on {countOf(result.value.devices, "device")}.
          {result.value.hosts.some(({ answered }) => !answered) && " Some devices did not answer at all."}
        </p>
      )}
      {(open.value.length > 0 || running.value) && (
        <div class="scan-found">
          <Building
            tenants={tenants}
            label={`Open ports of ${safeText(target.value, 60)}`}
            onOpen={(port) => (chosen.value = port)}
          />
          <FoundTable doors={open.value} chosen={chosen.value} />
        </div>
      )}
    </div>
  );
}

function FoundTable({ doors, chosen }: { readonly doors: readonly ScanEvent[]; readonly chosen: number | null }) {
  return (
    <div class="scan-table-frame">
      <table class="scan-table">
        <thead>
          <tr>
            <th scope="col">Port</th>
            <th scope="col">Device</th>
            <th scope="col">What it is</th>
            <th scope="col">How that is known</th>
          </tr>
        </thead>
        <tbody>
          {doors.map((door) => {
            const name = door.names[0];
            return (
              <tr
                key={`${door.address}${door.transport}${door.port}`}
                class={door.port === chosen ? "scan-chosen" : ""}
              >
                <th scope="row" class="mono">
                  {door.port}
                  <span class="soft">/{door.transport}</span>
                </th>
                <td class="mono">{safeText(door.host ?? door.address, 60)}</td>
                <td>
                  <bdi>{name === undefined ? "unknown" : safeText(name.value, 80)}</bdi>
                </td>
                <td class="soft">
                  {name === undefined ? safeText(door.reason, 120) : `${name.basis}: ${safeText(name.evidence, 160)}`}
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
