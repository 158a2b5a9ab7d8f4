using System.Runtime.CompilerServices;
using Fairlead.Configuration;
using Fairlead.Upstreams;

namespace Fairlead.Guards;

/// <summary>Chooses among the instances of one server (product D7). Instances whose circuit is open are no candidates. Any thread; no lock, and no allocation but for the first call of a session.</summary>
internal sealed class Balancer(ServerGuards guards)
{
    private readonly ConditionalWeakTable<object, WeakReference<UpstreamConnection>> _homes = [];
    private int _turn = -1;

    /// <summary>Chooses an instance.</summary>
    /// <param name="instances">At least two, the same order for all callers.</param>
    /// <param name="options">The rule.</param>
    /// <param name="owner">Who calls; null = one that does not say who it is.</param>
    /// <param name="isSession">Whether the caller is a session, which stays where it began when the options say so.</param>
    /// <param name="now">The clock's timestamp.</param>
    public UpstreamConnection Pick(UpstreamConnection[] instances, LoadBalancingOptions options, object? owner, bool isSession, long now)
    {
        var keeps = isSession && options.SessionAffinity && owner is not null;
        if (keeps && _homes.TryGetValue(owner!, out var home) && home.TryGetTarget(out var known) && IsCandidate(known, now) && Array.IndexOf(instances, known) >= 0)
        {
            return known;
        }

        var picked = Choose(instances, options, owner, now);
        if (keeps)
        {
            _homes.AddOrUpdate(owner!, new WeakReference<UpstreamConnection>(picked));
        }

        return picked;
    }

    private UpstreamConnection Choose(UpstreamConnection[] instances, LoadBalancingOptions options, object? owner, long now)
    {
        // Spreading load needs no unpredictable numbers.
        return options.Policy switch
        {
            LoadBalancingPolicy.LeastConnections => Least(instances, now, static guard => guard.InFlight),
            LoadBalancingPolicy.LeastLatency => Least(instances, now, static guard => guard.AverageMicros * (guard.InFlight + 1)),
            LoadBalancingPolicy.Random => From(instances, Random.Shared.Next(instances.Length), now),
            LoadBalancingPolicy.PowerOfTwoChoices => LessBusy(instances, Random.Shared.Next(instances.Length), Random.Shared.Next(instances.Length - 1), now),
            LoadBalancingPolicy.ConsistentHash => Rendezvous(instances, owner, now),
            LoadBalancingPolicy.WeightedRoundRobin => From(instances, Weighted(instances.Length, guards.Settings.Weights), now),
            _ => From(instances, Turn(instances.Length), now),
        };
    }

    private int Turn(int count) => (int)((uint)Interlocked.Increment(ref _turn) % (uint)count);

    private bool IsCandidate(UpstreamConnection instance, long now) => !instance.Lost.IsCompleted && InstanceGuard.Of(instance, guards).Breaker.MayPass(now);

    /// <summary>The first candidate from a place on; the place itself when there is none, so that its refusal is told.</summary>
    private UpstreamConnection From(UpstreamConnection[] instances, int start, long now)
    {
        for (var i = 0; i < instances.Length; i++)
        {
            var instance = instances[(start + i) % instances.Length];
            if (IsCandidate(instance, now))
            {
                return instance;
            }
        }

        return instances[start];
    }

    private UpstreamConnection Least(UpstreamConnection[] instances, long now, Func<InstanceGuard, long> load)
    {
        // Equal ones in turn.
        var start = Turn(instances.Length);
        UpstreamConnection? best = null;
        var least = long.MaxValue;
        for (var i = 0; i < instances.Length; i++)
        {
            var instance = instances[(start + i) % instances.Length];
            if (IsCandidate(instance, now) && load(InstanceGuard.Of(instance, guards)) is var its && its < least)
            {
                (best, least) = (instance, its);
            }
        }

        return best ?? instances[start];
    }

    private UpstreamConnection LessBusy(UpstreamConnection[] instances, int one, int other, long now)
    {
        other = other >= one ? other + 1 : other;
        var busier = InstanceGuard.Of(instances[one], guards).InFlight > InstanceGuard.Of(instances[other], guards).InFlight;
        return From(instances, busier ? other : one, now);
    }

    private UpstreamConnection Rendezvous(UpstreamConnection[] instances, object? owner, long now)
    {
        var key = owner is null ? 0 : RuntimeHelpers.GetHashCode(owner);
        UpstreamConnection? best = null;
        var highest = int.MinValue;
        foreach (var instance in instances)
        {
            if (IsCandidate(instance, now) && HashCode.Combine(key, instance.Number) is var weight && weight >= highest)
            {
                (best, highest) = (instance, weight);
            }
        }

        return best ?? instances[0];
    }

    /// <summary>The place whose part of the sum of weights the turn falls into; places without a weight weigh 1.</summary>
    private int Weighted(int count, int[] weights)
    {
        var sum = 0;
        for (var i = 0; i < count; i++)
        {
            sum += i < weights.Length ? weights[i] : 1;
        }

        var left = Turn(sum);
        for (var i = 0; i < count; i++)
        {
            left -= i < weights.Length ? weights[i] : 1;
            if (left < 0)
            {
                return i;
            }
        }

        return count - 1;
    }
}
