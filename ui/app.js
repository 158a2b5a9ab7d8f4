// The frame around the pages: which one is shown, who is signed in, whether Fairlead answers.

import { session } from './api.js';
import { button, fill, h, setText } from './dom.js';
import { events } from './events.js';
import { fleet } from './fleet-store.js';
import { attempt, dialog, notify, speak } from './parts.js';
import { auditPage } from './page-audit.js';
import { changesPage } from './page-changes.js';
import { configurationPage } from './page-configuration.js';
import { fleetPage } from './page-fleet.js';
import { playgroundPage } from './page-playground.js';
import { serverPage } from './page-server.js';
import { eventsPage, logPage } from './page-stream.js';
import { trafficPage } from './page-traffic.js';

// Each page: title(parameters) and show(root, parameters, signal), which builds it and ends all it began with the signal.
const pages = [
    { name: 'fleet', link: 'Fleet', page: fleetPage },
    { name: 'traffic', link: 'Traffic', page: trafficPage },
    { name: 'playground', link: 'Playground', page: playgroundPage },
    { name: 'events', link: 'Events', page: eventsPage },
    { name: 'log', link: 'Log', page: logPage },
    { name: 'changes', link: 'Rollouts and faults', page: changesPage },
    { name: 'audit', link: 'Audit', page: auditPage },
    { name: 'configuration', link: 'Configuration', page: configurationPage },
    { name: 'servers', page: serverPage },
];

const main = document.getElementById('main');
const links = new Map(pages.filter((one) => one.link).map((one) => [one.name, h('a', { href: `#/${one.name}` }, one.link)]));
const connection = h('p', { class: 'banner', role: 'status', hidden: true });
const access = h('div', { class: 'access' });
let shown = null;

function buildFrame() {
    document.querySelector('.skip').addEventListener('click', (event) => {
        // The fragment names pages here.
        event.preventDefault();
        main.focus();
    });
    fill(
        document.getElementById('top'),
        h('div', { class: 'bar' }, h('a', { href: '#/fleet', class: 'brand' }, 'Fairlead'), h('nav', { 'aria-label': 'Pages' }, h('ul', {}, [...links.values()].map((link) => h('li', {}, link)))), access),
        connection);
    main.before(h('section', { id: 'notices', 'aria-label': 'Messages' }));
}

function showAccess() {
    fill(access, session.isAdmin
        ? button('Sign out', () => attempt(() => session.end(), 'Signed out: this page is read-only now.'), { class: 'quiet' })
        : [h('span', { class: 'note' }, 'read-only'), button('Sign in', signIn)]);
}

async function signIn() {
    const values = await dialog({
        title: 'Sign in', confirm: 'Sign in', text: 'fairlead dashboard, on the machine where Fairlead runs, prints a link with a code that works once. Open it, or put it here.',
        fields: [{ name: 'link', label: 'Link or code', required: true }],
    });
    if (values) {
        await exchange(values.link.trim().split('code=').at(-1));
    }
}

const exchange = (code) => attempt(() => session.exchange(code), 'Signed in: this tab may administer.');

function showConnection() {
    const isLost = events.state === 'lost' || fleet.problem !== null;
    connection.hidden = !isLost;
    setText(connection, isLost ? `Fairlead does not answer; what you see is from before. Trying again.` : '');
}

function decode(part) {
    try {
        return decodeURIComponent(part);
    } catch (error) {
        if (error instanceof URIError) {
            return part; // Somebody typed the address.
        }

        throw error;
    }
}

function route() {
    const [name, ...parameters] = location.hash.replace(/^#\/?/, '').split('/').map(decode);
    const one = pages.find((page) => page.name === name) ?? pages[0];
    const isFirst = shown === null;
    shown?.abort();
    shown = new AbortController();
    document.getElementById('notices').replaceChildren();
    const title = one.page.title(parameters);
    document.title = `${title} – Fairlead`;
    for (const [key, link] of links) {
        const isHere = key === one.name || (key === 'fleet' && one.name === 'servers');
        if (isHere) {
            link.setAttribute('aria-current', 'page');
        } else {
            link.removeAttribute('aria-current');
        }
    }

    const heading = h('h1', { tabindex: '-1' }, title);
    fill(main, heading);
    one.page.show(main, parameters, shown.signal);
    if (!isFirst) {
        window.scrollTo(0, 0);
        heading.focus();
    }
}

async function begin() {
    buildFrame();
    session.addEventListener('change', showAccess);
    showAccess();
    const code = /^#code=(\w+)$/.exec(location.hash)?.[1];
    if (code) {
        // Before anything else: the code leaves the address and the history.
        history.replaceState(null, '', '#/fleet');
        await exchange(code);
    }

    const said = document.getElementById('notices').firstChild;
    route();
    if (said) {
        document.getElementById('notices').append(said);
    }

    addEventListener('hashchange', () => {
        const late = /^#code=(\w+)$/.exec(location.hash)?.[1];
        if (late) {
            history.replaceState(null, '', '#/fleet');
            void exchange(late).then(route);
        } else {
            route();
        }
    });
    events.addEventListener('state', showConnection);
    fleet.addEventListener('change', showConnection);
    fleet.addEventListener('states', ({ detail }) => {
        const last = new Map(detail.map((event) => [event.server, event]));
        last.forEach((event) => speak(event.server, `${event.server} is ${event.state}.`));
    });
    await fleet.start();
}

addEventListener('unhandledrejection', (event) => notify(`The dashboard made a mistake: ${event.reason?.message ?? event.reason}`, true));
void begin();
