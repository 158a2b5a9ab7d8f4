// What happens, and what servers write, as it happens.

import { session } from './api.js';
import { button, field, h, select, setOptions } from './dom.js';
import { events } from './events.js';
import { Feed } from './feed.js';
import { fleet } from './fleet-store.js';
import { needsAdmin } from './parts.js';
import * as words from './words.js';

const kinds = [
    ['states', 'States, lists, rollouts, faults', ['server', 'rollout', 'fault', 'configuration']], ['call', 'Calls', ['call']], ['health', 'Health checks', ['health']],
];

const line = (one) => h(
    'p', { class: one.type === 'gap' ? 'gap' : one.error || one.check?.isHealthy === false ? 'bad' : null },
    h('span', { class: 'when' }, words.time(one.at)), h('span', { class: 'what' }, one.type), one.server ? h('a', { href: `#/servers/${encodeURIComponent(one.server)}`, tabindex: '-1' }, one.server) : null, ' ', words.event(one));

/** What stands above a feed: which server, which text, pause, clear. */
function controls(feed, filter, signal) {
    const servers = select([['', 'all servers']], '', (value) => {
        filter.server = value;
        feed.refilter();
    });
    const search = h('input', { type: 'search', oninput: () => {
        filter.text = search.value.trim().toLowerCase();
        feed.refilter();
    } });
    const pause = button('Pause', () => {
        feed.isPaused = !feed.isPaused;
        pause.setAttribute('aria-pressed', String(feed.isPaused));
    }, { 'aria-pressed': 'false' });
    fleet.follow(() => setOptions(servers, [['', 'all servers'], ...fleet.servers.keys()]), signal);
    return [field('Server', servers), field('Filter', search), pause, button('Clear', () => feed.clear(), { class: 'quiet' })];
}

const fits = (filter) => (one) => one.type === 'gap'
    || ((!filter.server || one.server === filter.server) && (!filter.text || `${one.type} ${one.server ?? ''} ${words.event(one)}`.toLowerCase().includes(filter.text)));

export const eventsPage = {
    title: () => 'Events',
    show(root, parameters, signal) {
        const filter = { server: '', text: '' };
        const feed = new Feed('Events, the latest last', line, fits(filter));
        let chosen = null;
        const choices = kinds.map(([name, label, types], i) => {
            const box = h('input', { type: 'checkbox', id: `kind-${name}`, checked: i === 0, onchange: subscribe });
            return { box, types, node: h('div', { class: 'tick' }, box, h('label', { for: box.id }, label)) };
        });
        root.append(h('fieldset', { class: 'row' }, h('legend', {}, 'Which events'), choices.map((one) => one.node)), h('div', { class: 'row' }, controls(feed, filter, signal)), feed.node);
        feed.take(events.recent);
        subscribe();

        function subscribe() {
            chosen?.abort();
            chosen = new AbortController();
            const types = choices.filter((one) => one.box.checked).flatMap((one) => one.types);
            events.subscribe(types, (batch) => feed.take(batch), AbortSignal.any([chosen.signal, signal]));
        }
    },
};

export const logPage = {
    title: () => 'Log',
    show(root, parameters, signal) {
        const filter = { server: '', text: '' };
        const feed = new Feed('What servers write to stderr, the latest last', line, fits(filter));
        const locked = needsAdmin('What servers write to stderr');
        const open = h('div', {}, h('div', { class: 'row' }, controls(feed, filter, signal)), feed.node);
        root.append(locked, open);
        events.subscribe(['log'], (batch) => feed.take(batch), signal);
        const update = () => {
            locked.hidden = session.isAdmin;
            open.hidden = !session.isAdmin;
        };
        session.addEventListener('change', update, { signal });
        update();
    },
};
