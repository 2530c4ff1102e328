// Pages about protocols in Markdown, from the same declarations that the scanner and the gateway work by.
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { rolldown } from "rolldown";

const folder = "docs/protocols";

async function loadProtocols() {
  const bundle = await rolldown({ input: "src/protocols/index.ts", platform: "node" });
  const cache = "node_modules/.cache/portolan-build";
  await bundle.write({ dir: cache, format: "esm", entryFileNames: "protocols.mjs" });
  await bundle.close();
  const { protocols } = await import(`${pathToFileURL(`${cache}/protocols.mjs`).href}?${Date.now()}`);
  return protocols;
}

function cell(text) {
  return text.replaceAll("|", "\\|").replaceAll("\n", " ");
}

function portText({ port, transport, tls }) {
  return `${port}/${transport}${tls ? " (TLS)" : ""}`;
}

const speakers = { server: "the server", client: "the client" };

/** The page of one protocol. */
export function writeProtocolPage(protocol) {
  const { text } = protocol;
  const lines = [`# ${protocol.title}`, "", text.purpose, ""];
  const ports = protocol.usualPorts.map(portText).join(", ");
  lines.push("| | |", "| --- | --- |");
  lines.push(`| id | \`${protocol.id}\` |`);
  lines.push(`| usual ports | ${ports === "" ? "none of its own" : ports} |`);
  lines.push(`| speaks first | ${speakers[protocol.speaksFirst]} |`);
  if (protocol.over === "http") lines.push("| runs on | HTTP, on the connection on which that was proved |");
  lines.push(
    `| probed | ${protocol.probe === undefined ? "no: it is explained, and told apart where a client speaks first" : "yes"} |`,
  );
  lines.push(`| recognised from a client's first bytes | ${protocol.sniff === undefined ? "no" : "yes"} |`, "");
  lines.push("## How it proves itself", "", text.strongProof, "");
  if (text.weakProof !== null) lines.push(`Weak, said to be so: ${text.weakProof}`, "");
  if (text.claims.length > 0) {
    lines.push("| what may be claimed | from which bytes |", "| --- | --- |");
    for (const claim of text.claims) lines.push(`| ${claim.fact} | ${cell(claim.from)} |`);
    lines.push("");
  }
  if (text.wire.length > 0) {
    lines.push("## On the wire", "", "| from | bytes | meaning |", "| --- | --- | --- |");
    for (const line of text.wire) lines.push(`| ${line.from} | \`${cell(line.bytes)}\` | ${cell(line.meaning)} |`);
    lines.push("");
  }
  if (protocol.probe !== undefined) {
    lines.push("## What asking does to the server", "", text.effectOnTarget ?? "Nothing is known to remain.", "");
  }
  if (text.sources.length > 0) lines.push("## Sources", "", ...text.sources.map((source) => `- ${source}`), "");
  lines.push("_This page is generated from the protocol's declaration._", "");
  return lines.join("\n");
}

function writeIndex(protocols) {
  const lines = [
    "# Protocols",
    "",
    "How each service proves what it is. A port number is a guess; these handshakes are the proof. See",
    "[what a scan does to its target](../scanning.md).",
    "",
    "| protocol | usual ports | speaks first | for |",
    "| --- | --- | --- | --- |",
  ];
  for (const protocol of protocols) {
    const ports = protocol.usualPorts.slice(0, 6).map(portText).join(", ");
    lines.push(
      `| [${protocol.title}](${protocol.id}.md) | ${ports} | ${speakers[protocol.speaksFirst]} | ${cell(protocol.text.purpose)} |`,
    );
  }
  lines.push("", "_This page is generated._", "");
  return lines.join("\n");
}

/** Writes `docs/protocols/*.md`, and removes pages of protocols that are gone. */
export async function generateProtocolPages() {
  const protocols = await loadProtocols();
  mkdirSync(folder, { recursive: true });
  const pages = new Map(protocols.map((protocol) => [`${protocol.id}.md`, writeProtocolPage(protocol)]));
  pages.set("README.md", writeIndex(protocols));
  for (const [name, text] of pages) {
    const path = `${folder}/${name}`;
    if (!existsSync(path) || readFileSync(path, "utf8") !== text) writeFileSync(path, text);
  }
  for (const name of readdirSync(folder)) if (!pages.has(name)) rmSync(`${folder}/${name}`);
}
