// A list that grows at its end, as fast as events come: a bounded number is kept, and fewer are in the document.

import { h, setText } from './dom.js';
import { count } from './words.js';

const KeptMax = 2000;
const ShownMax = 300;

export class Feed {
    #kept = [];
    #seen = 0;
    #waiting = 0;
    #render;
    #fits;
    #isPaused = false;
    #isAtEnd = true;
    #list;
    #state = h('p', { class: 'note' });

    /** render(item) gives an element; fits(item) says whether it is wanted at this moment. */
    constructor(label, render, fits = () => true) {
        this.#render = render;
        this.#fits = fits;

        // Nobody could follow it read out: the mark of a log without its voice.
        this.#list = h('div', { class: 'feed', role: 'log', 'aria-live': 'off', 'aria-label': label, tabindex: '0' });
        this.node = h('div', {}, this.#list, this.#state);

        // What was taken while nobody could see it has no end to scroll to yet.
        new ResizeObserver(() => this.#followEnd()).observe(this.#list);
        this.#list.addEventListener('scroll', () => {
            this.#isAtEnd = this.#list.clientHeight === 0 || this.#list.scrollTop + this.#list.clientHeight >= this.#list.scrollHeight - 40;
        });
        this.#tell();
    }

    take(items) {
        this.#seen += items.length;
        this.#kept.push(...items.slice(-KeptMax));
        if (this.#kept.length > KeptMax) {
            this.#kept.splice(0, this.#kept.length - KeptMax);
        }

        if (this.#isPaused) {
            this.#waiting += items.length;
        } else {
            this.#append(items);
        }

        this.#tell();
    }

    /** Shows again what fits. */
    refilter() {
        this.#list.replaceChildren();
        this.#append(this.#kept);
        this.#tell();
    }

    clear() {
        this.#kept = [];
        this.#seen = 0;
        this.refilter();
    }

    set isPaused(value) {
        this.#isPaused = value;
        if (!value && this.#waiting > 0) {
            this.#waiting = 0;
            this.refilter();
        }

        this.#tell();
    }

    get isPaused() {
        return this.#isPaused;
    }

    #append(items) {
        const fitting = [];
        for (let i = items.length - 1; i >= 0 && fitting.length < ShownMax; i--) {
            if (this.#fits(items[i])) {
                fitting.push(items[i]);
            }
        }

        for (let surplus = this.#list.childElementCount + fitting.length - ShownMax; surplus > 0; surplus--) {
            this.#list.firstChild.remove();
        }

        this.#list.append(...fitting.reverse().map(this.#render));
        this.#followEnd();
    }

    #followEnd() {
        if (this.#isAtEnd) {
            this.#list.scrollTop = this.#list.scrollHeight;
        }
    }

    #tell() {
        setText(this.#state, this.#seen === 0 ? 'Nothing yet.'
            : `${count(this.#seen)} so far, the last ${count(Math.min(this.#seen, KeptMax))} kept, ${count(this.#list.childElementCount)} shown${this.#isPaused ? `; paused, ${count(this.#waiting)} came meanwhile` : ''}.`);
    }
}
