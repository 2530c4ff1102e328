/**
 * @module What stands in place of the chart when the page is not let in, or its server is gone.
 */
import type { Link } from "../state/machine.ts";

const texts: Readonly<Partial<Record<Link, { readonly title: string; readonly text: string }>>> = {
  "no-token": {
    title: "This tab has no key",
    text: "The chart is shown only to whoever started it. Open the address that the command printed, or start it anew:",
  },
  "token-refused": {
    title: "This address was used already",
    text: "Each address is good for one use, and for ten minutes. Take a new link from an open page, or start the command anew:",
  },
  "server-gone": { title: "The command has ended", text: "Nothing answers at this address any more. Start it anew:" },
};

/** What happened, why, and what to do now. */
export function Outside({ link }: { readonly link: Link }) {
  const said = texts[link];
  if (said === undefined) return null;
  return (
    <section class="outside" role="alert">
      <h2>{said.title}</h2>
      <p>{said.text}</p>
      <p>
        <code class="outside-command">npx portolan ui</code>
      </p>
    </section>
  );
}
