/**
 * @module How `snapshot` looks: the document itself, or a line about the file.
 */
import type { SnapshotResult } from "../../../operations/snapshot.ts";
import { paragraph, span } from "../print/document.ts";
import type { View } from "../view.ts";
import { blindSpotNotes } from "./blind-spots.ts";
import { bytesText } from "./service-cells.ts";

/** The view of `snapshot`. */
export const snapshotView: View<SnapshotResult> = {
  raw: ({ document }) => (document === null ? undefined : `${JSON.stringify(document)}\n`),
  result: ({ file, bytes, sockets, processes, namespaces, hostName }) => [
    paragraph([
      "Written to ",
      span(file ?? "", "strong"),
      `, ${bytesText(bytes ?? 0)}: ${sockets} sockets, ${processes} processes and ${namespaces} network namespace${namespaces === 1 ? "" : "s"} of ${hostName}.`,
    ]),
  ],
  notes: (result, context) => blindSpotNotes(result.blindSpots, [], context),
};
