export default {
  server: { port: Number(process.env.PORT ?? 5000) },
};
