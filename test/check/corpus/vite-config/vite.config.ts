import react from "@vitejs/plugin-react";
import { defineConfig, type UserConfig } from "vite";

const previewPort: number = 3101;

export default defineConfig(({ mode }) => {
  return {
    plugins: [react()],
    server: {
      host: true,
      port: 3100, // the usual one is taken
      strictPort: true,
      proxy: { "/api": "http://localhost:3100" },
    },
    preview: { port: previewPort as number },
  } satisfies UserConfig;
});
