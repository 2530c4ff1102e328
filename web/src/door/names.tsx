/**
 * @module The names on the bell of a door: where each is opened, and giving another.
 */
import { gatewayFacts, routesByPort } from "../state/routes.ts";
import { nameQuestion } from "../state/view.ts";
import { safeText } from "../text/outside-text.ts";
import { Section } from "./parts.tsx";
import type { HeldService } from "./service-facts.tsx";

/** Whether a name could lead there: by HTTP, which a program that is known to speak something else does not. */
export function canBeNamed({ port, transport, framework }: HeldService): boolean {
  if (transport !== "tcp" || port === 0 || port === Number(location.port)) return false;
  const isGateway = gatewayFacts.value?.listeners.some((listener) => listener.port === port) ?? false;
  if (isGateway) return false;
  if (framework === null || framework.value.scheme !== null) return true;
  return framework.value.role === "runtime" || framework.value.role === "tool";
}

/** The button that asks for one. */
export function NameButton({ port }: { readonly port: number }) {
  return (
    <button type="button" class="button" onClick={() => (nameQuestion.value = { kind: "give", port })}>
      Give it a name
    </button>
  );
}

/** Its names, when it has any. */
export function Names({ port }: { readonly port: number }) {
  const routes = routesByPort.value.get(port) ?? [];
  if (routes.length === 0) return null;
  return (
    <Section title={routes.length === 1 ? "Its name" : "Its names"}>
      <ul class="door-addresses door-bells">
        {routes.map(({ name, urls: [url] }) => (
          <li key={name}>
            {url === undefined || !/^https?:\/\//.test(url) ? (
              <bdi class="mono">{safeText(name, 360)}</bdi>
            ) : (
              <a class="mono" href={url} target="_blank" rel="noreferrer noopener">
                {safeText(url, 360)}
              </a>
            )}
          </li>
        ))}
      </ul>
      {gatewayFacts.value === null && <p class="soft">No gateway runs, so they lead nowhere now. See Names.</p>}
    </Section>
  );
}
