/**
 * @module What is read of a Vite configuration: numbers that are written down, wherever the object comes from, and nothing that is computed.
 */
import { expect, test } from "vitest";
import { readViteConfig } from "./vite-config.ts";

test.each([
  ["export default { server: { port: 3000 } }", 3000],
  ["module.exports = { server: { port: 3000 } }", 3000],
  ["const port = 3000; const server = { port }; export default { server }", 3000],
  ["export default defineConfig({ server: { port: 3000 } })", 3000],
  ["export default defineConfig(async () => ({ server: { port: 3000 } }))", 3000],
  ["export default function () { const x = 1; return { server: { port: 3000 } } }", 3000],
  ["export default mergeConfig({ server: { port: 3000 } }, other)", 3000],
  ["interface A { a?: number }\nexport default { server: { port: 3000 as number } } satisfies A as A;", 3000],
  ["import type { X } from 'x';\nenum E { a }\nexport default <X>({ server: { port: 3000 } });", null],
  ["export default { server: { port: 1000, port: 2000 } }", 2000],
  ["export default { server: { port: +process.env.PORT || 3000 } }", null],
  ["let port = 3000; port = 1; export default { server: { port } }", null],
  ["export default { server: { ['port']: 3000 } }", null],
  ["export default { server: { port: 300000 } }", null],
  ["export default { /* server: { port: 3000 } */ text: 'port: 3000' }", null],
])("%s", (text, port) => {
  const { server, problems } = readViteConfig({ path: "/vite.config.ts", text });
  expect(problems).toEqual([]);
  expect(server.port).toBe(port);
  if (server.place === null) expect(port).toBeNull();
  else expect(text.slice(server.place.offset, server.place.offset + server.place.length)).toBe(String(port));
});

test("what is no program is told with its place", () => {
  const { problems } = readViteConfig({ path: "/vite.config.js", text: "export default {\n  server: {,\n}" });
  expect(problems).toMatchObject([{ severity: "error", place: { offset: 28 } }]);
});
