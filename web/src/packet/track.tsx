/**
 * @module The stops of a journey as a line with the packet on it.
 */

/** The line; each stop is a button. */
export function Track({
  signs,
  at,
  onGo,
}: {
  readonly signs: readonly string[];
  readonly at: number;
  readonly onGo: (stop: number) => void;
}) {
  return (
    <ol class="track">
      {signs.map((sign, index) => (
        <li key={index} class={`track-stop${index === at ? " track-here" : ""}${index < at ? " track-past" : ""}`}>
          <button
            type="button"
            class="track-button"
            aria-current={index === at ? "step" : undefined}
            onClick={() => onGo(index)}
          >
            <span class="track-dot" aria-hidden="true" />
            <bdi class="mono">{sign}</bdi>
          </button>
        </li>
      ))}
    </ol>
  );
}
