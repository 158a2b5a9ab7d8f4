// The resources of the suite's contract, and who of a session's client wants to hear of changes to them.
import { redPixelPng } from './media.mjs';
import { ResourceTemplate } from './packages.mjs';

/** The resource that changes on demand. */
export const watched = 'test://watched-resource';

/** Gives the set of URIs that the client of this server subscribes to; it stays empty in 2026-07-28, where streams are filtered by the SDK. */
export const registerResources = (server, fixture) => {
  const constant = (name, uri, description, content) => server.registerResource(
    name, uri, { description, mimeType: content().mimeType }, url => ({ contents: [{ uri: url.href, ...content() }] }));
  constant('static-text', 'test://static-text', 'A text that never changes', () => ({ mimeType: 'text/plain', text: 'This is the content of the static text resource.' }));
  constant('static-binary', 'test://static-binary', 'An image that never changes', () => ({ mimeType: 'image/png', blob: redPixelPng }));
  constant('watched-resource', watched, 'A text that changes on demand', () => ({ mimeType: 'text/plain', text: `Watched resource, version ${fixture.version}` }));
  server.registerResource(
    'template',
    new ResourceTemplate('test://template/{id}/data', { list: undefined }),
    { description: 'Data for an id', mimeType: 'application/json' },
    (url, { id }) => ({ contents: [{ uri: url.href, mimeType: 'application/json', text: JSON.stringify({ id, templateTest: true, data: `Data for ID: ${id}` }) }] }));

  const subscribed = new Set();
  if (!fixture.isModern) {
    server.server.setRequestHandler('resources/subscribe', ({ params }) => {
      subscribed.add(params.uri);
      return {};
    });
    server.server.setRequestHandler('resources/unsubscribe', ({ params }) => {
      subscribed.delete(params.uri);
      return {};
    });
  }

  return subscribed;
};
