/**
 * @module How `gateway export` looks: the file itself, or where it is; what the engine does differently stands beside it.
 */
import type { GatewayExportResult } from "../../../operations/gateway-export.ts";
import { paragraph, span } from "../print/document.ts";
import type { View } from "../view.ts";

const titles: Readonly<Record<GatewayExportResult["format"], string>> = {
  caddy: "Caddy",
  nginx: "nginx",
  haproxy: "HAProxy",
  traefik: "Traefik",
};

/** The view of `gateway-export`. */
export const gatewayExportView: View<GatewayExportResult> = {
  raw: ({ text }) => text ?? undefined,
  result: ({ file, format, names, relays }) =>
    file === null
      ? [
          paragraph(
            "There is nothing to write: no name leads anywhere, no forward or share runs, and no portolan.config.json has any.",
          ),
        ]
      : [
          paragraph([
            "Written to ",
            span(file, "strong"),
            ` for ${titles[format]}, from ${count(names, "route")}, ${count(relays, "forward or share", "forwards and shares")}.`,
          ]),
        ],
  notes: ({ format, limits, notes }) => [
    ...notes.map((note) => paragraph([span(note, "warning")])),
    ...(limits.length === 0 ? [] : [paragraph([span(`What ${titles[format]} does differently:`, "dim")])]),
    ...limits.map(({ concerns, text }) =>
      paragraph([span(`${concerns.join(", ")}: `, "strong"), span(text, "warning")], { hang: 2 }),
    ),
  ],
  exitStatus: ({ file, text }) => (file === null && text === null ? 1 : 0),
};

function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}
