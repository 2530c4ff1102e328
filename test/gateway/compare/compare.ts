/**
 * @module The gateway, nginx, HAProxy and Caddy before the same requests and answers: docs/gateway-conformance.md from a real run.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { OfFamily, Case } from "../case-family.ts";
import { brokenBodies, passedCases, refusedCases } from "../request-cases.ts";
import { brokenAnswers, brokenHeads, wholeAnswers } from "../response-cases.ts";
import { startEngines, type Engine } from "./engines.ts";
import { judgeAnswer, judgeRequest, type Rule, type Verdict } from "./verdicts.ts";

interface Row {
  readonly family: string;
  readonly section: string;
  readonly name: string;
  readonly rule: Rule;
  readonly judge: (engine: Engine) => Promise<Verdict>;
}

const rows: readonly Row[] = [
  ...passedCases.map((one) => rowOf(one, "valid", (engine) => judgeRequest(engine, one))),
  ...refusedCases.map((one) => rowOf(one, "invalid", (engine) => judgeRequest(engine, one))),
  ...brokenBodies.map((one) => rowOf(one, "invalid", (engine) => judgeRequest(engine, one))),
  ...wholeAnswers.map((one) => rowOf(one, "valid", (engine) => judgeAnswer(engine, one, false))),
  ...brokenHeads.map((one) => rowOf(one, "invalid", (engine) => judgeAnswer(engine, one, false))),
  ...brokenAnswers.map((one) => rowOf(one, "invalid", (engine) => judgeAnswer(engine, one, true))),
];

function rowOf({ family, section, name, rfc }: OfFamily<Case>, usual: Rule, judge: Row["judge"]): Row {
  return { family, section, name, rule: rfc ?? usual, judge };
}

/** Runs every case through every engine, and writes the page. */
export async function compare(): Promise<void> {
  const startMs = performance.now();
  const engines = await startEngines();
  // Each engine has servers of its own: they do not wait for each other.
  const verdicts = await Promise.all(engines.map((engine) => runAll(engine)));
  await Promise.all(engines.map((engine) => engine.close()));
  const path = fileURLToPath(new URL("../../../docs/gateway-conformance.md", import.meta.url));
  writeFileSync(path, writePage(engines, verdicts));
  console.log(`${rows.length} cases, ${engines.map(({ name, version }) => `${name} ${version}`).join(", ")}`);
  for (const [index, { name }] of engines.entries()) console.log(`${name}: ${describe(count(verdicts[index]!))}`);
  console.log(`${((performance.now() - startMs) / 1000).toFixed(0)} s; ${path} written.`);
}

async function runAll(engine: Engine): Promise<Verdict[]> {
  const verdicts: Verdict[] = [];
  for (const row of rows) {
    let verdict = await row.judge(engine);
    // The case before ended its connections to the servers: one that was taken in that moment says nothing about this case.
    for (let again = 0; again < 2 && /^(?:closes|waits|\w+ 50\d)/.test(verdict.text); again += 1)
      verdict = await row.judge(engine);
    verdicts.push(verdict);
  }
  return verdicts;
}

type Counts = Record<"right" | "danger" | "lenient" | "strict", number>;

function count(verdicts: readonly Verdict[]): Counts {
  const counts: Counts = { right: 0, danger: 0, lenient: 0, strict: 0 };
  for (const { mark } of verdicts) counts[mark ?? "right"] += 1;
  return counts;
}

function describe({ right, danger, lenient, strict }: Counts): string {
  return `${right} as the RFC has it, ${danger} dangerous, ${lenient} lenient, ${strict} stricter`;
}

const rules: Readonly<Record<Rule, string>> = { valid: "take", invalid: "refuse", choice: "either" };
const marks = { danger: "‼", lenient: "!", strict: "°" } as const;

function cellOf({ text, mark }: Verdict): string {
  const plain = escapeCell(text);
  return mark === null ? plain : mark === "danger" ? `**${plain}** ${marks.danger}` : `${plain} ${marks[mark]}`;
}

function escapeCell(text: string): string {
  return text.replaceAll(/[|\\<>*_`[\]]/g, (character) => `\\${character}`).replaceAll(/\s+/g, " ");
}

function writePage(engines: readonly Engine[], verdicts: readonly (readonly Verdict[])[]): string {
  const names = engines.map(({ name }) => name);
  const header = (first: readonly string[]): string =>
    `| ${[...first, ...names].join(" | ")} |\n| ${[...first, ...names].map(() => "---").join(" | ")} |`;
  const totals = verdicts.map(count);
  const total = (title: string, key: keyof Counts): string =>
    `| ${title} | ${totals.map((counts) => String(counts[key])).join(" | ")} |`;
  const families = [...new Set(rows.map(({ family }) => family))];
  const sections = families.map((family) => {
    const inFamily = rows.map((row, index) => ({ row, index })).filter(({ row }) => row.family === family);
    const usual = inFamily[0]!.row.section;
    const lines = inFamily.map(({ row, index }) => {
      const cells = verdicts.map((all) => cellOf(all[index]!));
      const name = row.section === usual ? escapeCell(row.name) : `${escapeCell(row.name)} (${row.section})`;
      return `| ${name} | ${rules[row.rule]} | ${cells.join(" | ")} |`;
    });
    return `## ${family} (${usual})\n\n${header(["case", "RFC"])}\n${lines.join("\n")}\n`;
  });
  const about = readFileSync(new URL("./about.md", import.meta.url), "utf8").trimEnd();
  return `${about}

${engines.map(({ name, version }) => `${name} ${version}`).join(", ")}; ${rows.length} cases.

${header([""])}
${total("as the RFC has it", "right")}
${total(`dangerous ${marks.danger}`, "danger")}
${total(`lenient ${marks.lenient}`, "lenient")}
${total(`stricter ${marks.strict}`, "strict")}

${sections.join("\n")}`;
}
