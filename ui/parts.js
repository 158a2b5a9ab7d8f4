// Pieces that several pages show.

import { session, told } from './api.js';
import { button, fill, h, setText } from './dom.js';
import { moment, span, time } from './words.js';

const Good = new Set(['Healthy']);
const Waiting = new Set(['Initializing', 'Idle', 'Degraded', 'Maintenance']);
const Off = new Set(['Stopped', 'Disabled']);

const kind = (state) => Good.has(state) ? 'good' : Waiting.has(state) ? 'waiting' : Off.has(state) ? 'off' : 'bad';

/** A state: its word, with a mark that tells kinds apart without colour. */
export function badge(state) {
    const node = h('span', { class: `badge ${kind(state)}` }, state);
    return { node, update: (now) => {
        setText(node, now);
        node.className = `badge ${kind(now)}`;
    } };
}

/** A time as a distance that is kept right; what is meant is "since" (5 min) or "until" (in 3 s). */
export function ago(at, isAhead = false) {
    const node = h('time', { 'data-ahead': isAhead });
    const update = (now) => {
        if (!now) {
            node.removeAttribute('datetime');
            setText(node, '');
        } else if (node.getAttribute('datetime') !== now) {
            node.setAttribute('datetime', now);
            node.title = moment(now);
            tick(node);
        }
    };
    update(at);
    return { node, update };
}

function tick(node) {
    const left = Date.parse(node.getAttribute('datetime')) - Date.now();
    setText(node, node.hasAttribute('data-ahead') ? `in ${span(left)}` : span(-left));
}

setInterval(() => {
    if (!document.hidden) {
        document.querySelectorAll('time[datetime]').forEach(tick);
    }
}, 1000);

/** Why a server is as it is, and when it will be tried again. */
export function reason() {
    const text = h('span');
    const next = ago(null, true);
    const retry = h('span', { class: 'note', hidden: true }, ' (next try ', next.node, ')');
    return { node: h('span', { class: 'reason' }, text, retry), update: (server) => {
        setText(text, server.reason);
        next.update(server.nextRetry);
        retry.hidden = !server.nextRetry;
    } };
}

/** Says something to all who look or listen, until the next is said. */
export function notify(text, isBad = false) {
    const notices = document.getElementById('notices');
    fill(notices, h(
        'div', { class: isBad ? 'notice bad' : 'notice' },
        h('p', { role: isBad ? 'alert' : 'status' }, text), button('Dismiss', () => notices.replaceChildren(), { class: 'quiet' })));
}

/** Reads a sentence about a server out without showing it. Of several that come fast the last of each server counts; many become one. */
export function speak(server, text) {
    spoken.set(server, text);
    speaking ||= setTimeout(() => {
        speaking = 0;
        setText(document.getElementById('spoken'), spoken.size > 3 ? `${spoken.size} servers changed their state.` : [...spoken.values()].join(' '));
        spoken.clear();
    }, 2000);
}

const spoken = new Map();
let speaking = 0;

/** Runs something that a person asked for and tells how it went. */
export async function attempt(run, done) {
    try {
        const result = await run();
        if (done) {
            notify(typeof done === 'function' ? done(result) : done);
        }

        return result;
    } catch (error) {
        if (error.name !== 'AbortError') {
            notify(told(error), true);
        }

        return undefined;
    }
}

/** What stands where the admin token would be needed. */
export const needsAdmin = (what) => h('p', { class: 'locked' }, `${what} needs the admin token. `, h('code', {}, 'fairlead dashboard'), ' prints a link that brings it here; this page is read-only until then.');

/** Shows one of two things, as this tab may administer or not. What build begins, it ends with the signal that it is given. */
export function adminOnly(signal, what, build) {
    const node = h('div');
    let built = null;
    const update = () => {
        built?.abort();
        built = new AbortController();
        fill(node, session.isAdmin ? build(AbortSignal.any([built.signal, signal])) : needsAdmin(what));
    };
    session.addEventListener('change', update, { signal });
    update();
    return node;
}

/** Asks in a dialog. fields: [{ name, label, type, value, required, note, rows, options }]. Gives the values, or null when it was called off. */
export function dialog({ title, text, fields = [], confirm = 'OK', isBad = false, choices }) {
    return new Promise((resolve) => {
        let result = null;
        const controls = fields.map((one) => {
            const control = one.options
                ? h('select', { name: one.name }, one.options.map((option) => h('option', { value: option }, option)))
                : one.rows
                    ? h('textarea', { name: one.name, rows: one.rows, required: one.required, spellcheck: 'false' }, one.value ?? '')
                    : h('input', { name: one.name, type: one.type ?? 'text', value: one.value, required: one.required, min: one.min, max: one.max, step: one.step, autocomplete: 'off' });
            control.id = `dialog-${one.name}`;
            return h('div', { class: 'field' }, h('label', { for: control.id }, one.label), control, one.note ? h('small', {}, one.note) : null);
        });
        const form = h(
            'form', {
                onsubmit: (event) => {
                    event.preventDefault();
                    result = Object.fromEntries(new FormData(form));
                    box.close();
                },
            },
            h('h2', { id: 'dialog-title' }, title), text ? h('p', {}, text) : null, controls,
            choices ? h('ul', { class: 'choices' }, choices.map((choice) => h('li', {}, button(choice.label, () => {
                result = choice;
                box.close();
            }, { class: choice.isBad ? 'bad' : null }), h('span', { class: 'note' }, choice.note)))) : null,
            h('div', { class: 'row end' }, button('Cancel', () => box.close(), { class: 'quiet' }), choices ? null : h('button', { type: 'submit', class: isBad ? 'bad' : 'main' }, confirm)));
        const box = h('dialog', { 'aria-labelledby': 'dialog-title' }, form);
        const before = document.activeElement;
        box.addEventListener('close', () => {
            box.remove();
            before?.focus?.();
            resolve(result);
        });
        document.body.append(box);
        box.showModal();
    });
}

export const at = (when) => h('time', { title: moment(when) }, time(when));
