using System.Collections.Concurrent;
using Fairlead.Configuration;
using Fairlead.Processes;
using Fairlead.Security;
using Fairlead.Upstreams;

namespace Fairlead.Health;

/// <summary>Makes the checks of all servers, and knows those that the embedding program has registered. Any thread.</summary>
internal sealed class HealthChecks(ProcessSupervisor processes, SecretRedactor redactor, TimeProvider time) : IDisposable
{
    /// <summary>The word of checks that the embedding program has registered.</summary>
    public const string Custom = "custom";

    private readonly ConcurrentDictionary<string, Func<CancellationToken, Task<string?>>> _custom = new(StringComparer.Ordinal);
    private readonly HttpMessageInvoker _http = HttpCheck.CreateClient();

    /// <summary>Registers the check of a server; one that it had is replaced.</summary>
    /// <param name="server">The server's id.</param>
    /// <param name="check">Gives null when all is well, else the reason.</param>
    public void Register(string server, Func<CancellationToken, Task<string?>> check) => _custom[server] = check;

    /// <summary>The registered check of a server; null when it has none.</summary>
    public Func<CancellationToken, Task<string?>>? CustomOf(string server) => _custom.GetValueOrDefault(server);

    /// <summary>The checks of an instance: the configured one, unless it is <c>none</c>, then the registered one.</summary>
    /// <param name="config">Of the server.</param>
    /// <param name="connection">The instance.</param>
    /// <param name="custom">What <see cref="CustomOf"/> gave.</param>
    /// <param name="ended">Ends with the instance.</param>
    public IReadOnlyList<HealthCheck> Make(ServerConfig config, UpstreamConnection connection, Func<CancellationToken, Task<string?>>? custom, CancellationToken ended)
    {
        var limit = TimeSpan.FromMilliseconds(config.HealthCheck.TimeoutMs);
        var checks = new List<HealthCheck>(2);
        if (Configured(config, connection, limit, ended) is { } configured)
        {
            checks.Add(configured);
        }

        if (custom is not null)
        {
            checks.Add(new HealthCheck(
                Custom, async cancel => await custom(cancel).ConfigureAwait(false) is { } reason ? HealthFinding.Bad(reason) : HealthFinding.Good,
                "the custom check did not end", limit, time, ended));
        }

        return checks;
    }

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    private HealthCheck? Configured(ServerConfig config, UpstreamConnection connection, TimeSpan limit, CancellationToken ended)
    {
        var options = config.HealthCheck;
        return options.Kind switch
        {
            // The deadline of the question itself is the limit, and what its end means depends on what else was heard.
            HealthCheckKind.Protocol => With(new PatientProtocolCheck(connection, limit, TimeSpan.FromMilliseconds(config.TimeoutMs), time).AskAsync, "it did not answer", Timeout.InfiniteTimeSpan),
            HealthCheckKind.Http => With(cancel => HttpCheck.AskAsync(_http, options, cancel), $"{HttpCheck.Place(options)} did not answer", limit),
            HealthCheckKind.Tcp => With(cancel => TcpCheck.AskAsync(options, cancel), $"no connection to {TcpCheck.Place(options)}", limit),
            HealthCheckKind.Command => With(cancel => CommandCheck.RunAsync(config, processes, redactor, cancel), $"{options.Command} did not end", limit),
            HealthCheckKind.File => With(_ => Task.FromResult(FileCheck.Look(config)), $"{options.Path} could not be looked at", limit),
            _ => null,
        };

        HealthCheck With(Func<CancellationToken, Task<HealthFinding>> ask, string late, TimeSpan most) =>
            new(OptionWords.Word(options.Kind), ask, late, most, time, ended);
    }
}
