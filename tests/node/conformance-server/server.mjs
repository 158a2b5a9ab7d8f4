// The conformance fixture on the TypeScript SDK: what the suite asks for, written on another implementation of the protocol than the one in tests/TestServers/Conformance.
//   node server.mjs stdio --era legacy|modern
//   node server.mjs http [--port N] --era legacy|modern     (port 0: any free port; the URL is printed as one line)
// legacy = 2025-11-25 and nothing else, modern = 2026-07-28 and nothing else.
import { parseArgs } from 'node:util';
import { Fixture } from './fixture.mjs';
import { serveHttp } from './http.mjs';
import { StdioServerTransport, serveStdio } from './packages.mjs';

const { values, positionals: [mode] } = parseArgs({ allowPositionals: true, options: { era: { type: 'string' }, port: { type: 'string', default: '0' } } });
if (!['stdio', 'http'].includes(mode) || !['legacy', 'modern'].includes(values.era) || !/^\d+$/.test(values.port)) {
  console.error('usage: server.mjs stdio --era legacy|modern\n       server.mjs http [--port N] --era legacy|modern');
  process.exit(64);
}

const fixture = new Fixture(values.era);
if (mode === 'http') {
  console.log(await serveHttp(fixture, Number(values.port)));
} else if (fixture.isModern) {
  serveStdio(() => fixture.createLiveServer(), { legacy: 'reject', onerror: error => console.error(error.message) });
} else {
  await fixture.createLiveServer().connect(new StdioServerTransport());
}
