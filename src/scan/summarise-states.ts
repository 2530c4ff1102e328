/**
 * @module Many doors in few words: the ports of a device by state and reason.
 */
import { portOutcomes } from "./engine.ts";
import type { StateSummary } from "./scan-types.ts";

/** Ports in one state, as runs of neighbours. */
interface Group {
  count: number;
  first: number;
  last: number;
  /** Runs that are complete, as a `PortSet` prints them. */
  text: string;
}

/** Texts by what they say, so that devices of which nothing is known share one. */
const sharedTexts = new Map<string, string>();
const mostSharedTexts = 64;

/**
 * Groups the outcomes of one device. One pass over plain numbers, because it runs on the event loop for 65,535 ports at once.
 * @param ports ascending
 * @param outcomes one byte a port, an index into `portOutcomes`
 */
export function summariseStates(
  transport: "tcp" | "udp",
  ports: Uint16Array,
  outcomes: Uint8Array,
): readonly StateSummary[] {
  const groups = new Map<number, Group>();
  let code = -1;
  let group: Group | undefined;
  for (let index = 0; index < ports.length; index++) {
    const port = ports[index]!;
    if (outcomes[index] !== code) {
      code = outcomes[index]!;
      group = groups.get(code);
      if (group === undefined) {
        group = { count: 0, first: port, last: port - 1, text: "" };
        groups.set(code, group);
      }
    }
    const current = group!;
    current.count += 1;
    if (port !== current.last + 1) {
      current.text += `${runText(current)},`;
      current.first = port;
    }
    current.last = port;
  }
  return [...groups].map(([key, found]): StateSummary => {
    const { state, reason } = portOutcomes[key] ?? portOutcomes[0];
    return { transport, state, reason, count: found.count, ports: share(found.text + runText(found)) };
  });
}

function runText({ first, last }: Group): string {
  return first === last ? String(first) : `${first}-${last}`;
}

function share(text: string): string {
  const known = sharedTexts.get(text);
  if (known !== undefined) return known;
  if (sharedTexts.size >= mostSharedTexts) sharedTexts.clear();
  sharedTexts.set(text, text);
  return text;
}
