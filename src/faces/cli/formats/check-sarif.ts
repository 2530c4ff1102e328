/**
 * @module The findings of `check` as SARIF 2.1.0 (OASIS, Static Analysis Results Interchange Format).
 */
import type { CheckFinding, CheckResult } from "../../../operations/check-schemas.ts";
import type { Format } from "../formats.ts";

/** What each kind means, for the list of rules. */
const rules: Readonly<Record<CheckFinding["kind"] | "unusable", string>> = {
  "same-port": "Two programs that run side by side ask for the same port.",
  copies: "A service is started several times, and each copy asks for the same port.",
  held: "Somebody has the port now.",
  "already-up": "The program runs already.",
  privilege: "The port needs a privilege.",
  address: "The machine does not have the address.",
  reserved: "The port is kept for somebody else.",
  promised: "The port is promised to somebody for a moment.",
  ephemeral: "The kernel hands the port out to any program.",
  "kernel-reserved": "The administrator keeps the port.",
  "browser-blocked": "Browsers refuse to open the port.",
  "other-family": "Somebody else listens at the other loopback address.",
  "macos-airplay": "macOS's AirPlay receiver takes the port.",
  unusable: "The file, or a part of it, could not be used.",
};

const ruleIds = Object.keys(rules) as (keyof typeof rules)[];

const levels = { conflict: "error", warning: "warning", note: "note" } as const;

/** The format. */
export const checkSarifFormat: Format<CheckResult> = {
  result(result, { version }) {
    const log = {
      $schema: "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
      version: "2.1.0",
      runs: [
        {
          tool: {
            driver: {
              name: "portolan",
              semanticVersion: version,
              rules: ruleIds.map((id) => ({ id, shortDescription: { text: rules[id] } })),
            },
          },
          columnKind: "utf16CodeUnits",
          invocations: [
            {
              executionSuccessful: result.complete && !result.problems.some(({ severity }) => severity === "error"),
            },
          ],
          results: [...result.findings.map((finding) => resultOf(finding, result)), ...result.problems.map(problemOf)],
        },
      ],
    };
    return `${JSON.stringify(log, null, 2)}\n`;
  },
};

interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly endColumn?: number;
}

function resultOf(finding: CheckFinding, { wishes }: CheckResult): object {
  const wish = wishes[finding.wish]!;
  const { kind, severity, message, port, transport, proposal } = finding;
  const edit = proposal?.edit ?? null;
  const instead = proposal === null ? "" : ` Free instead: ${proposal.port}.`;
  const who = kind === "same-port" ? "" : `${wish.name}: `;
  return {
    ruleId: kind,
    ruleIndex: ruleIds.indexOf(kind),
    level: levels[severity],
    message: { text: `${port}/${transport} ${who}${message}${instead}` },
    locations: [locationOf(wish)],
    ...(finding.others.length === 0
      ? {}
      : {
          relatedLocations: finding.others.map((index, id) => ({
            id,
            ...locationOf(wishes[index]!),
            message: { text: wishes[index]!.name },
          })),
        }),
    ...(edit === null
      ? {}
      : {
          fixes: [
            {
              description: { text: `Take ${edit.after.trim()}.` },
              artifactChanges: [
                {
                  artifactLocation: { uri: uriOf(edit.file) },
                  replacements: [{ deletedRegion: regionOf(edit), insertedContent: { text: edit.after } }],
                },
              ],
            },
          ],
        }),
  };
}

function problemOf({ file, line, column, severity, message }: CheckResult["problems"][number]): object {
  const place = { file, line: line ?? 1, column: column ?? 1 };
  return {
    ruleId: "unusable",
    ruleIndex: ruleIds.indexOf("unusable"),
    level: severity,
    message: { text: message },
    locations: [locationOf(place)],
  };
}

function locationOf(place: Place): object {
  return { physicalLocation: { artifactLocation: { uri: uriOf(place.file) }, region: regionOf(place) } };
}

function regionOf({ line, column, endColumn }: Place): object {
  return { startLine: line, startColumn: column, ...(endColumn === undefined ? {} : { endLine: line, endColumn }) };
}

/** A relative reference stays relative; each part is written as RFC 3986 wants it. */
function uriOf(file: string): string {
  const path = file.split(/[\\/]/).map(encodeURIComponent).join("/");
  return path.startsWith("/") ? `file://${path}` : path;
}
