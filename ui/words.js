// How numbers, times and events are written.

const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' });
const day = new Intl.DateTimeFormat(undefined, { year: 'numeric', month: '2-digit', day: '2-digit' });
const whole = new Intl.NumberFormat(undefined, { maximumFractionDigits: 0 });
const tenths = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 });

export const count = (number) => whole.format(number ?? 0);

export const decimal = (number) => tenths.format(number ?? 0);

export const percent = (share) => share === null || share === undefined ? '–' : `${tenths.format(share * 100)} %`;

/** A time of microseconds. */
export function micros(us) {
    if (us === null || us === undefined || Number.isNaN(us)) {
        return '–';
    }

    return us < 1000 ? `${whole.format(us)} µs` : us < 1_000_000 ? `${tenths.format(us / 1000)} ms` : `${tenths.format(us / 1_000_000)} s`;
}

/** So many bytes, as MiB. */
export const mebibytes = (bytes) => bytes === null || bytes === undefined ? '–' : `${tenths.format(bytes / 1048576)} MiB`;

/** The time of day. */
export const time = (at) => clock.format(new Date(at));

/** Day and time. */
export const moment = (at) => `${day.format(new Date(at))} ${clock.format(new Date(at))}`;

/** How long ago something was, or how soon it will be. */
export function span(ms) {
    const seconds = Math.max(0, Math.round(ms / 1000));
    return seconds < 60 ? `${seconds} s` : seconds < 3600 ? `${Math.floor(seconds / 60)} min` : seconds < 172800 ? `${Math.floor(seconds / 3600)} h` : `${Math.floor(seconds / 86400)} days`;
}

const by = (one) => one.by ? `, by ${one.by}` : '';

/** What a fault does, in one line. */
export const fault = (one) => [
    one.kind, one.latencyMs ? `${decimal(one.latencyMs)} ms` : '', one.percent < 100 ? `of ${decimal(one.percent)} % of the calls` : '', one.tool ? `to ${one.tool}` : '',
].filter(Boolean).join(' ');

/** How a rollout stands, in one line. */
export const rollout = (one) =>
    `rollout ${one.number} (${one.strategy}) ${one.phase}, ${one.instancesReady} of ${one.instancesWanted} instances, ${count(one.calls)} calls, ${count(one.failures)} failures${one.reason ? `: ${one.reason}` : ''}`;

/** What an event says, beside its time, its type and its server. */
export function event(one) {
    switch (one.type) {
        case 'server.added':
        case 'server.changed':
            return [one.state, one.reason].filter(Boolean).join(': ');
        case 'server.removed':
            return one.reason ?? '';
        case 'server.state':
            return `${one.before && one.before !== one.state ? `${one.before} → ` : ''}${one.state}${one.reason ? `: ${one.reason}` : ''}`;
        case 'server.instances':
            return `${one.replicas} of ${one.replicasWanted} instances`;
        case 'server.lists':
            return `${one.tools ?? 0} tools, ${one.resources ?? 0} resources, ${one.prompts ?? 0} prompts`;
        case 'rollout':
            return rollout(one.rollout);
        case 'fault':
            return `${fault(one.fault)}${one.fault.endedAt ? ` ended: ${one.fault.endReason ?? ''}` : ' injected'}${by(one.fault)}`;
        case 'health':
            return `${one.check.kind}: ${one.check.isHealthy ? 'good' : 'bad'}${one.check.reason ? `, ${one.check.reason}` : ''}`;
        case 'call':
            return `${one.method}${one.tool ? ` ${one.tool}` : ''}, ${micros((one.durationMs ?? 0) * 1000)}${one.error ? `: ${one.error}` : ''}`;
        case 'log':
            return one.line;
        case 'gap':
            return `events are missing here${one.lost ? ` (${count(one.lost)})` : ''}: ${one.reason ?? ''}`;
        default:
            return one.reason ?? '';
    }
}
