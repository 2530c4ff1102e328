/**
 * @module How `interfaces` looks.
 */
import { knownOr } from "../../../core/index.ts";
import type { InterfacesResult } from "../../../operations/interfaces.ts";
import { blank, paragraph, span, table, type Block, type Line } from "../print/document.ts";
import type { View } from "../view.ts";

const audienceWords = {
  "this-machine": "this machine only",
  link: "neighbours on the same link",
  "private-network": "devices of the same network",
  internet: "the internet",
} as const;

/** The view of `interfaces`. */
export const interfacesView: View<InterfacesResult> = {
  result(result) {
    const rows = result.interfaces.flatMap((one) => {
      const state = one.up.known ? (one.up.value ? [span("up", "good")] : [span("down", "bad")]) : ["?"];
      const route =
        knownOr(one.defaultRoute.ipv4, false) || knownOr(one.defaultRoute.ipv6, false) ? "default route" : "";
      const first: Line[] = [
        [span(one.name, "strong")],
        state,
        [route],
        [knownOr(one.hardwareAddress, null) ?? ""],
        [String(knownOr(one.mtuBytes, ""))],
      ];
      const same: Line[] = [[], [], [], [], []];
      const addresses = one.addresses.map((own): [Line, Line] => [
        [`${own.address}/${own.prefixLength}`],
        [span(audienceWords[own.audience], own.audience === "this-machine" ? "good" : "warning")],
      ]);
      const lines: readonly [Line, Line][] = addresses.length === 0 ? [[[span("no address", "dim")], []]] : addresses;
      return lines.map(([address, audience], index): readonly Line[] => {
        const [name, up, via, hardware, mtu] = index === 0 ? first : same;
        return [name ?? [], up ?? [], address, audience, via ?? [], hardware ?? [], mtu ?? []];
      });
    });
    const blocks: Block[] = [
      table(
        [
          { title: "INTERFACE", priority: 0 },
          { title: "STATE", priority: 2 },
          { title: "ADDRESS", priority: 0, leastWidth: 14 },
          { title: "USABLE BY", priority: 1, leastWidth: 12 },
          { title: "ROUTE", priority: 3, leastWidth: 13 },
          { title: "HARDWARE ADDRESS", priority: 4, leastWidth: 17 },
          { title: "MTU", priority: 5 },
        ],
        rows,
      ),
    ];
    const outside = result.interfaces.filter((one) => one.reachableFromOutside).map((one) => one.name);
    blocks.push(
      blank,
      paragraph(
        outside.length === 0
          ? "No interface has an address that another device could use."
          : `Other devices come in through ${outside.join(", ")}, as far as firewalls let them.`,
      ),
    );
    if (result.hidden > 0) {
      blocks.push(
        paragraph([span(`${result.hidden} more are down or have no address: portolan interfaces --all`, "dim")]),
      );
    }
    return blocks;
  },
};
