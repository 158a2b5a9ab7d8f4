// What a server writes to stderr: the last lines, and those that come.

import { get, path } from './api.js';
import { h } from './dom.js';
import { events } from './events.js';
import { Feed } from './feed.js';
import { attempt } from './parts.js';
import { time } from './words.js';

const LinesMax = 200;

const line = ({ at, text }) => h('p', {}, h('span', { class: 'when' }, at ? time(at) : ''), text);

/** The lines of one server, live. */
export function liveLines(id, signal) {
    const feed = new Feed(`What ${id} writes to stderr`, line);
    void attempt(async () => {
        const { lines } = await get(`${path('servers', id, 'logs')}?lines=${LinesMax}`, signal);
        feed.take(lines.map((text) => ({ text })));
        events.subscribe(['log'], (batch) => feed.take(batch.filter((one) => one.server === id).map((one) => ({ at: one.at, text: one.line }))), signal);
    });
    return feed.node;
}
