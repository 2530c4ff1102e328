/**
 * @module A failure as the page tells it.
 */

/** What went wrong and what to do now. */
export function Failure({
  error,
}: {
  readonly error: { readonly message: string; readonly hint: string; readonly code: string };
}) {
  return (
    <p class="failure" role="alert">
      {error.message} {error.hint} <span class="soft">({error.code})</span>
    </p>
  );
}
