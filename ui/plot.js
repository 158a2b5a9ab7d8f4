// Lines over time on a canvas. What they show stands in a table beside them, too.

import { h } from './dom.js';

const HeightPx = 160;
const Left = 62;
const Bottom = 20;

/** series: [{ label, color (a CSS variable), dash }]. draw(rows): rows of { at, values: [one for each series, null = none] }, in order. */
export class Plot {
    #canvas = h('canvas', { role: 'img', height: HeightPx });
    #series;
    #format;
    #label;
    #rows = [];

    constructor(label, series, format, signal) {
        this.#series = series;
        this.#format = format;
        this.#label = label;
        this.node = h(
            'figure', { class: 'plot' },
            h('figcaption', {}, h('strong', {}, label), series.length > 1 ? series.map((one) => h('span', { class: `legend ${one.color}` }, one.label)) : null), this.#canvas);
        const again = () => this.draw(this.#rows);
        const size = new ResizeObserver(again);
        size.observe(this.#canvas);
        signal.addEventListener('abort', () => size.disconnect());
        matchMedia('(prefers-color-scheme: dark)').addEventListener('change', again, { signal });
    }

    draw(rows) {
        this.#rows = rows;
        const last = rows.at(-1);
        this.#canvas.setAttribute('aria-label', last
            ? `${this.#label}, at the end: ${this.#series.map((one, i) => `${this.#series.length > 1 ? `${one.label} ` : ''}${this.#format(last.values[i])}`).join(', ')}` : `${this.#label}: nothing yet`);
        const width = this.#canvas.clientWidth;
        if (width === 0) {
            return;
        }

        const scale = devicePixelRatio;
        this.#canvas.width = width * scale;
        this.#canvas.height = HeightPx * scale;
        const to = this.#canvas.getContext('2d');
        to.scale(scale, scale);
        this.#paint(to, width, getComputedStyle(this.#canvas));
    }

    #paint(to, width, style) {
        const top = niceTop(Math.max(0, ...this.#rows.flatMap((row) => row.values.map((value) => value ?? 0))));
        const [plotWidth, plotHeight] = [width - Left - 8, HeightPx - Bottom - 8];
        const y = (value) => 8 + plotHeight * (1 - value / top);
        to.font = '12px system-ui, sans-serif';
        to.fillStyle = style.getPropertyValue('--text-soft');
        to.strokeStyle = style.getPropertyValue('--line');
        to.textAlign = 'right';
        to.textBaseline = 'middle';
        for (const part of [0, 0.5, 1]) {
            to.fillText(this.#format(top * part), Left - 6, y(top * part));
            to.beginPath();
            to.moveTo(Left, y(top * part));
            to.lineTo(width - 8, y(top * part));
            to.stroke();
        }

        if (this.#rows.length === 0) {
            return;
        }

        const [from, until] = [this.#rows[0].at, Math.max(this.#rows.at(-1).at, this.#rows[0].at + 1)];
        const x = (at) => Left + plotWidth * (at - from) / (until - from);
        to.textBaseline = 'alphabetic';
        to.textAlign = 'left';
        to.fillText(new Date(from).toLocaleTimeString(), Left, HeightPx - 4);
        to.textAlign = 'right';
        to.fillText(new Date(until).toLocaleTimeString(), width - 8, HeightPx - 4);
        this.#series.forEach((one, i) => {
            to.strokeStyle = style.getPropertyValue(`--${one.color}`);
            to.lineWidth = 2;
            to.setLineDash(one.dash ?? []);
            to.beginPath();
            let isDown = false;
            for (const row of this.#rows) {
                const value = row.values[i];
                if (value === null || value === undefined) {
                    isDown = false;
                } else if (isDown) {
                    to.lineTo(x(row.at), y(value));
                } else {
                    to.moveTo(x(row.at), y(value));
                    isDown = true;
                }
            }

            to.stroke();
        });
        to.setLineDash([]);
    }
}

/** The next number above that people like: 1, 2 or 5 with zeros. */
export function niceTop(value) {
    if (value <= 0) {
        return 1;
    }

    const power = 10 ** Math.floor(Math.log10(value));
    return power * [1, 2, 5, 10].find((step) => step * power >= value);
}
