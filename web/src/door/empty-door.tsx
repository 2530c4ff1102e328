/**
 * @module A door behind which nobody lives: whether it can be taken, and keeping it.
 */
import { safeText } from "../text/outside-text.ts";
import type { DoorFacts } from "./door-facts.ts";
import { Section } from "./parts.tsx";
import { ReserveButton } from "./reserve.tsx";

/** What an empty apartment offers. */
export function EmptyDoor({ facts: { bind, who } }: { readonly facts: DoorFacts }) {
  const answer = bind.answers[0];
  return (
    <div class="door-service">
      <p class="door-claim">Nobody listens here: no application gets what is sent to this number.</p>
      <div class="door-actions">
        <ReserveButton port={who.port} />
      </div>
      {answer !== undefined && (
        <Section title="Could a program take it?">
          <p>{safeText(answer.reason, 600)}</p>
          <ul class="door-names">
            {answer.warnings.map(({ kind, message }) => (
              <li key={`${kind}${message}`}>{safeText(message, 400)}</li>
            ))}
          </ul>
        </Section>
      )}
    </div>
  );
}
