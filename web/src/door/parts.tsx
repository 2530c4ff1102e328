/**
 * @module The pieces that the door's facts are set with.
 */
import type { ComponentChildren } from "preact";

/** A part of the panel under its heading. */
export function Section({ title, children }: { readonly title: string; readonly children: ComponentChildren }) {
  return (
    <section class="door-section">
      <h3>{title}</h3>
      {children}
    </section>
  );
}

/** Facts by name. */
export function FactList({ children }: { readonly children: ComponentChildren }) {
  return <dl class="door-facts">{children}</dl>;
}

/** One fact. */
export function Fact({ name, children }: { readonly name: string; readonly children: ComponentChildren }) {
  return (
    <div class="door-fact">
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
