/**
 * @module A URL for the camera of another device.
 */
import { encode } from "uqr";

/** Black on white in day and night: cameras want it so. */
export function QrCode({ url }: { readonly url: string }) {
  const { data, size } = encode(url, { ecc: "M", border: 3 });
  const path = data.flatMap((row, y) => row.flatMap((dark, x) => (dark ? [`M${x} ${y}h1v1h-1z`] : []))).join("");
  return (
    <figure class="door-code">
      <svg viewBox={`0 0 ${size} ${size}`} role="img" aria-label={`QR code of ${url}`} shape-rendering="crispEdges">
        <rect width={size} height={size} fill="#ffffff" />
        <path d={path} fill="#000000" />
      </svg>
      <figcaption class="soft">
        Open <bdi class="mono">{url}</bdi> on a phone in the same network.
      </figcaption>
    </figure>
  );
}
