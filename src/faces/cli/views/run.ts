/**
 * @module How `run` looks: standard output is the program's, so that all there is to say goes to standard error.
 */
import type { RunEvent, RunResult } from "../../../operations/run.ts";
import { paragraph, span, type Block } from "../print/document.ts";
import type { View } from "../view.ts";

/** The view of `run`. */
export const runView: View<RunResult, RunEvent> = {
  result: () => [],
  announce(event, { terminal }) {
    if (event.kind === "said") return [paragraph([span(`portolan: ${event.text}`, "warning")])];
    if (!terminal) return [];
    return event.kind === "starting" ? startingBlocks(event) : listeningBlocks(event);
  },
  exitStatus: ({ exitStatus }) => exitStatus,
};

function startingBlocks({
  port,
  name,
  socketsPassed,
  urls,
  told,
}: Extract<RunEvent, { kind: "starting" }>): readonly Block[] {
  const how =
    socketsPassed > 0 ? "with the bound socket as descriptor 3" : told === null ? `PORT=${port}` : `told to ${told}`;
  const [url] = urls;
  const lead = url === undefined ? "portolan: " : `portolan: ${url} leads to `;
  return [paragraph([span(`${lead}port ${port}${name === null ? "" : ` (${name})`}, ${how}`, "dim")])];
}

function listeningBlocks({ port, expected, urls, opened }: Extract<RunEvent, { kind: "listening" }>): readonly Block[] {
  const [url = `http://localhost:${port}`] = urls;
  const blocks: Block[] = [];
  if (!expected) {
    blocks.push(
      paragraph([span(`portolan: The program has taken port ${port} instead; the name leads there.`, "warning")]),
    );
  }
  blocks.push(
    paragraph([span("portolan: ", "dim"), span(url, "link"), span(opened ? " is being opened" : " is up", "dim")]),
  );
  return blocks;
}
