// All that the server offers, once per process.
import { randomBytes } from 'node:crypto';
import { registerContentTools } from './content-tools.mjs';
import { registerDiagnosticTools } from './diagnostic-tools.mjs';
import { registerInputRequiredTools } from './input-required-tools.mjs';
import { McpServer, createRequestStateCodec } from './packages.mjs';
import { registerPrompts } from './prompts.mjs';
import { registerQuestionTools } from './question-tools.mjs';
import { registerResources, watched } from './resources.mjs';

const revisions = { legacy: ['2025-11-25'], modern: ['2026-07-28'] };

// 2026-07-28 server/utilities/caching: the hints are required there and unknown before; the SDK leaves them out then.
const cacheHint = { ttlMs: 1000, cacheScope: 'public' };
const cacheable = ['tools/list', 'prompts/list', 'resources/list', 'resources/templates/list', 'resources/read', 'server/discover'];

/** Owns what outlives a session: the things that come and go, the version of the watched resource, and who is to hear of changes. */
export class Fixture {
  #live = new Map(); // each server of a connection or session, with what it is told when something changes

  constructor(era) {
    this.isModern = era === 'modern';
    this.revisions = revisions[era];
    this.states = createRequestStateCodec({ key: randomBytes(32) });
    this.present = { tool: false, prompt: false };
    this.version = 0;
    this.notify = undefined; // the notifier of modern HTTP, where no server outlives its request
  }

  /** A server for one request: it hears of nothing. */
  createServer() {
    return this.#create().server;
  }

  /** A server for a connection or a session, which hears of changes until it is closed. */
  createLiveServer() {
    const made = this.#create();
    this.#live.set(made.server, made);
    made.server.server.onclose = () => this.#live.delete(made.server);
    return made.server;
  }

  /** Adds the tool or the prompt that comes and goes, or removes it again, and tells everybody. */
  toggle(kind) {
    this.present[kind] = !this.present[kind];
    for (const { comesAndGoes } of this.#live.values()) {
      comesAndGoes[kind].update({ enabled: this.present[kind] });
    }

    if (kind === 'tool') {
      this.notify?.toolsChanged();
    } else {
      this.notify?.promptsChanged();
    }
  }

  /** Changes the watched resource and tells its subscribers. */
  async touch() {
    this.version++;
    for (const { server, subscribed } of this.#live.values()) {
      if (this.isModern || subscribed.has(watched)) {
        await server.server.sendResourceUpdated({ uri: watched });
      }
    }

    this.notify?.resourceUpdated(watched);
  }

  #create() {
    const server = new McpServer(
      { name: 'npm-conformance-server', version: '1.0.0', title: 'Conformance fixture on npm' },
      {
        supportedProtocolVersions: this.revisions,
        instructions: 'Offers what the conformance suite asks for.',
        capabilities: { tools: { listChanged: true }, prompts: { listChanged: true }, resources: { subscribe: true }, logging: {}, completions: {} },
        cacheHints: Object.fromEntries(cacheable.map(method => [method, cacheHint])),
        requestState: { verify: this.states.verify },
      });
    registerContentTools(server);
    registerQuestionTools(server);
    registerInputRequiredTools(server, this);
    const tool = registerDiagnosticTools(server, this);
    const prompt = registerPrompts(server);
    const subscribed = registerResources(server, this);
    const comesAndGoes = { tool, prompt };
    for (const kind of ['tool', 'prompt']) {
      comesAndGoes[kind].update({ enabled: this.present[kind] });
    }

    return { server, comesAndGoes, subscribed };
  }
}
