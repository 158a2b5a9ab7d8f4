// Counts of durations in buckets that grow by an eighth, so that a percentile is right to within about 12 %, whatever the number of calls.

const Growth = Math.log(1.125);
const Buckets = 200;

export class Latencies {
    #counts = new Uint32Array(Buckets);
    total = 0;

    add(us) {
        this.#counts[Math.min(Buckets - 1, us <= 1 ? 0 : Math.ceil(Math.log(us) / Growth))]++;
        this.total++;
    }

    /** The upper end of the bucket where the percentile falls, in µs; null without calls. */
    percentile(share) {
        let left = Math.ceil(this.total * share);
        for (let i = 0; i < Buckets && this.total > 0; i++) {
            left -= this.#counts[i];
            if (left <= 0) {
                return Math.exp(i * Growth);
            }
        }

        return null;
    }
}
