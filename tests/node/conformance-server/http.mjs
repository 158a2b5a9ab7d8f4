// Streamable HTTP on loopback, one endpoint: /mcp.
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import {
  NodeStreamableHTTPServerTransport, createMcpHandler, localhostHostValidation, localhostOriginValidation, toNodeHandler,
} from './packages.mjs';

/** Serves until the process ends; gives the URL. */
export const serveHttp = async (fixture, port) => {
  const hostIsOurs = localhostHostValidation();
  const originIsOurs = localhostOriginValidation();
  const serve = fixture.isModern ? modern(fixture) : legacy(fixture);
  const server = createServer((request, response) => {
    if (!hostIsOurs(request, response) || !originIsOurs(request, response)) {
      return;
    }

    serve(request, response).catch(error => {
      console.error(error);
      response.destroy();
    });
  });
  await new Promise(listening => server.listen(port, '127.0.0.1', listening));
  return `http://127.0.0.1:${server.address().port}/mcp`;
};

// 2026-07-28: a server for each request; what changes is told on the streams of subscriptions/listen.
const modern = fixture => {
  const handler = createMcpHandler(() => fixture.createServer(), { legacy: 'reject', onerror: error => console.error(error.message) });
  fixture.notify = handler.notify;
  return toNodeHandler(handler);
};

// 2025-11-25: a server for each session.
const legacy = fixture => {
  const sessions = new Map();
  return async (request, response) => {
    const id = request.headers['mcp-session-id'];
    if (id !== undefined && !sessions.has(id)) {
      response.writeHead(404, { 'content-type': 'application/json' });
      response.end('{"jsonrpc":"2.0","id":null,"error":{"code":-32001,"message":"Session not found"}}');
      return;
    }

    const transport = sessions.get(id) ?? await open(fixture, sessions);
    await transport.handleRequest(request, response);
    if (transport.sessionId === undefined) {
      await transport.close();
    }
  };
};

// The transport refuses by itself what is no initialize; it then belongs to no session and ends with the request.
const open = async (fixture, sessions) => {
  const transport = new NodeStreamableHTTPServerTransport({
    sessionIdGenerator: randomUUID,
    eventStore: new EventStore(),
    retryInterval: 500,
    onsessioninitialized: id => void sessions.set(id, transport),
    onsessionclosed: id => void sessions.delete(id),
  });
  await fixture.createLiveServer().connect(transport);
  return transport;
};

/** The events of one session, kept for clients that resume a stream; ids are stream_number. Bounded by the life of the session, which here is one scenario. */
class EventStore {
  #events = [];

  async storeEvent(streamId, message) {
    const eventId = `${streamId}_${this.#events.length}`;
    this.#events.push({ streamId, eventId, message });
    return eventId;
  }

  async getStreamIdForEventId(eventId) {
    return this.#events.find(event => event.eventId === eventId)?.streamId;
  }

  async replayEventsAfter(lastEventId, { send }) {
    const at = this.#events.findIndex(event => event.eventId === lastEventId);
    const { streamId } = this.#events[at] ?? { streamId: '' };
    for (const event of this.#events.slice(at + 1).filter(event => event.streamId === streamId)) {
      await send(event.eventId, event.message);
    }

    return streamId;
  }
}
