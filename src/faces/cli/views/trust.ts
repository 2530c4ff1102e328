/**
 * @module How `gateway trust` and `gateway untrust` look.
 */
import type { ListedAuthority, TrustStepResult } from "../../../operations/trust-schemas.ts";
import type { TrustProposal, TrustResult } from "../../../operations/trust.ts";
import type { UntrustProposal, UntrustResult } from "../../../operations/untrust.ts";
import { blank, paragraph, span, verbatim, type Block, type Line } from "../print/document.ts";
import type { View } from "../view.ts";

/** The view of `trust`. */
export const trustView: View<TrustResult> = {
  result(result) {
    const { outcome, authority, steps } = result;
    if (outcome === "declined") return [paragraph("Nothing was done.")];
    const about =
      authority === null ? [paragraph("A certificate authority would be made first.")] : whoBlocks(authority);
    if (outcome === "proposed")
      return [...about, ...stepBlocks(steps), blank, paragraph("Nothing was done (--dry-run).")];
    if (steps.length === 0)
      return [
        ...about,
        paragraph([span("No trust store was found.", "bad"), " The file of the certificate is above."]),
      ];
    return [...about, ...stepBlocks(steps)];
  },
  proposal: ({ authority, names, why, steps }: TrustProposal) => [
    ...(authority === null
      ? [
          paragraph([
            ...(why === "" ? [] : [why, " "]),
            "A certificate authority is made first, for ",
            ...namesLine(names),
            ".",
          ]),
        ]
      : whoBlocks({ ...authority, notAfter: new Date(authority.notAfterMs).toISOString() })),
    ...stepBlocks(steps.map(({ result }) => result)),
    blank,
  ],
  question: ({ steps }: TrustProposal) => {
    const count = steps.filter(({ result }) => result.outcome === "proposed").length;
    return count === 1 ? "Change this store?" : `Change these ${count} stores?`;
  },
  notes: ({ notes, hints, outcome }, { terminal }) => [
    ...notes.map((note) => paragraph([span(note, "warning")])),
    ...(terminal && (outcome === "done" || outcome === "partly")
      ? [
          paragraph([span("Browsers that run must be started anew. Programs that read none of these stores:", "dim")]),
          ...hints.map(({ program, how }) => verbatim(span(`  ${program}: ${how}`, "dim"))),
        ]
      : []),
  ],
  exitStatus: ({ outcome }) => (outcome === "done" || outcome === "proposed" ? 0 : 1),
};

/** The view of `untrust`. */
export const untrustView: View<UntrustResult> = {
  result({ outcome, steps, deleted }) {
    if (outcome === "declined") return [paragraph("Nothing was done.")];
    if (steps.length === 0 && !deleted) return [paragraph("No trust store has it.")];
    return [
      ...stepBlocks(steps),
      ...(deleted ? [paragraph("The certificate authority was deleted, and its key with it.")] : []),
      ...(outcome === "proposed" ? [blank, paragraph("Nothing was done (--dry-run).")] : []),
    ];
  },
  proposal: ({ steps, delete: deletes }: UntrustProposal) => [
    ...stepBlocks(steps.map(({ result }) => result)),
    ...(deletes ? [paragraph([span("The certificate authority is deleted, and its key with it.", "warning")])] : []),
    blank,
  ],
  question: ({ steps, delete: deletes }: UntrustProposal) => {
    const count = steps.filter(({ result }) => result.outcome === "proposed").length;
    const stores = count === 0 ? "" : count === 1 ? "Change this store" : `Change these ${count} stores`;
    if (!deletes) return `${stores}?`;
    return stores === "" ? "Delete it?" : `${stores}, and delete the authority?`;
  },
  exitStatus: ({ outcome }) => (outcome === "done" || outcome === "proposed" ? 0 : 1),
};

/** Who it is, for whom it may vouch, and until when. */
export function whoBlocks({
  subject,
  fingerprintSha256,
  names,
  notAfter,
  certificatePath,
}: ListedAuthority | (Omit<ListedAuthority, "names"> & { readonly names: readonly string[] })): Block[] {
  return [
    paragraph([span(subject, "strong"), ", for ", ...namesLine(names), `, until ${notAfter.slice(0, 10)}`]),
    verbatim("  ", span(`SHA-256 ${fingerprintSha256}`, "dim")),
    verbatim("  ", span(certificatePath, "dim")),
  ];
}

function namesLine(names: readonly string[]): Line {
  return [names.map((name) => `${name} and *.${name}`).join(", "), ", 127.0.0.0/8 and ::1 alone"];
}

function stepBlocks(steps: readonly TrustStepResult[]): Block[] {
  return steps.flatMap((step) => {
    const { title, path, reason, commands, outcome } = step;
    const told: boolean = outcome === "proposed" || outcome === "root" || outcome === "failed";
    return [
      paragraph(
        [span(title, "strong"), " ", span(path, "dim"), ": ", saidOf(step), told && commands.length > 0 ? ":" : "."],
        { hang: 2 },
      ),
      ...(reason === null || outcome === "root" ? [] : [paragraph([span(reason, "bad")], { indent: 2 })]),
      ...(told ? commands.map((command) => verbatim("  ", span(command, outcome === "root" ? "link" : "dim"))) : []),
    ];
  });
}

function saidOf({ outcome, wanted }: TrustStepResult): Line[number] {
  const into = wanted === "trusted";
  switch (outcome) {
    case "already":
      return span("trusted already", "good");
    case "done":
      return span(into ? "trusted now" : "taken out", "good");
    case "proposed":
      return into ? "is put in" : "is taken out";
    case "root":
      return span(`not done, it takes root. To ${into ? "put it in" : "take it out"}`, "warning");
    case "blocked":
      return span("not possible", "warning");
    default:
      return span("failed", "bad");
  }
}
