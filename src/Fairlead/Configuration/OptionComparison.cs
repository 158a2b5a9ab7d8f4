namespace Fairlead.Configuration;

/// <summary>Compares options as the user wrote them, by the table of their keys.</summary>
internal static class OptionComparison
{
    /// <summary>Whether two configurations of a server say the same.</summary>
    public static bool AreEqual(ServerConfig one, ServerConfig other) =>
        one.MissingVariables.SequenceEqual(other.MissingVariables, StringComparer.Ordinal) && !Differences(one, other).Any();

    /// <summary>The keys whose values differ, such as <c>port</c> or <c>limits.drainGrace</c>, in the order of the reference page.</summary>
    public static IEnumerable<string> Differences(object one, object other, string path = "")
    {
        foreach (var key in OptionsShape.Keys(one.GetType()))
        {
            var (value, otherValue) = (key.Get(one), key.Get(other));
            var place = ConfigNode.PathOf(path, key.Name);
            if (key.IsSection && value is not null && otherValue is not null)
            {
                foreach (var inner in Differences(value, otherValue, place))
                {
                    yield return inner;
                }
            }
            else if (!AreSame(value, otherValue))
            {
                yield return place;
            }
        }
    }

    private static bool AreSame(object? one, object? other) => (one, other) switch
    {
        (IList<string> these, IList<string> those) => these.SequenceEqual(those, StringComparer.Ordinal),
        (IDictionary<string, string> these, IDictionary<string, string> those) => AreSameMaps(these, those, string.Equals),
        (IDictionary<string, RateOptions> these, IDictionary<string, RateOptions> those) => AreSameMaps(these, those, static (a, b) => !Differences(a, b).Any()),
        (IDictionary<string, ProfileOptions> these, IDictionary<string, ProfileOptions> those) => AreSameMaps(these, those, static (a, b) => !Differences(a, b).Any()),
        (System.Collections.IEnumerable and not string, _) => throw new InvalidOperationException($"An option of type {one.GetType()} has no rule of comparison; add one beside this line."),
        _ => Equals(one, other),
    };

    private static bool AreSameMaps<T>(IDictionary<string, T> one, IDictionary<string, T> other, Func<T, T, bool> areSame) =>
        one.Count == other.Count && one.All(pair => other.TryGetValue(pair.Key, out var value) && areSame(pair.Value, value));
}
