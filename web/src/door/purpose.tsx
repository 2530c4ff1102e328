/**
 * @module What a port is for: its range, its names, who uses it by habit, and how what is met there proves itself.
 */
import type { ExplainResult } from "../../../src/operations/explain.ts";
import type { PortMeaning } from "../../../src/operations/meaning.ts";
import { safeText } from "../text/outside-text.ts";
import { Section } from "./parts.tsx";

/** The lesson of one port. */
export function Purpose({ meaning, explained }: { readonly meaning: PortMeaning; readonly explained: ExplainResult }) {
  const { range, assigned, conventions, door, ephemeral, browserBlocked, reserved } = meaning;
  return (
    <Section title="What this port is for">
      {door !== null && <p>{safeText(door)}</p>}
      <p>
        {range.title}. {range.explanation}
      </p>
      {assigned.length > 0 && (
        <ul class="door-names">
          {assigned.map(({ name, transports, description }) => (
            <li key={`${name}${transports.join()}`}>
              <strong>{safeText(name)}</strong> <span class="soft">{transports.join(", ")}, IANA</span>{" "}
              {safeText(description)}
            </li>
          ))}
        </ul>
      )}
      {conventions.length > 0 && (
        <ul class="door-names">
          {conventions.map(({ title, transport, description }) => (
            <li key={`${title}${transport}`}>
              <strong>{safeText(title)}</strong> <span class="soft">{transport}, by habit</span> {safeText(description)}
            </li>
          ))}
        </ul>
      )}
      {assigned.length + conventions.length === 0 && (
        <p>Nobody has registered it, and no known program uses it by default.</p>
      )}
      {ephemeral.known && ephemeral.value && (
        <p class="soft">This kernel hands it out to programs that name no port, so it can be taken at any moment.</p>
      )}
      {reserved.known && reserved.value && <p class="soft">The kernel leaves it alone when it chooses ports itself.</p>}
      {browserBlocked && <p class="soft">Browsers refuse to open it (Fetch standard, bad port).</p>}
      {explained.protocols.map(({ id, title, purpose, speaksFirst, strongProof, asked }) => (
        <details key={id} class="door-protocol">
          <summary>How {title} proves itself</summary>
          <p>{purpose}</p>
          <p>
            The {speaksFirst} speaks first. {strongProof} {asked ? "" : "Portolan only explains it and does not ask."}
          </p>
        </details>
      ))}
    </Section>
  );
}
