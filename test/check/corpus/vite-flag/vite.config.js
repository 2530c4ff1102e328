module.exports = { server: { port: 9999 } };
