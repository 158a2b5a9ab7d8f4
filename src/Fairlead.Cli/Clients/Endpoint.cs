using Fairlead.Cli.Running;
using Fairlead.Configuration;

namespace Fairlead.Cli.Clients;

/// <summary>The address that a client is given.</summary>
/// <param name="Base">The gateway's address, without a slash at its end.</param>
/// <param name="Mcp">The endpoint.</param>
/// <param name="Remark">What a person should know of it; null = nothing.</param>
internal sealed record Endpoint(string Base, string Mcp, string? Remark)
{
    /// <summary>Works it out: what was named, else where the running instance listens, else what the configuration says.</summary>
    /// <param name="request">What the person wants.</param>
    /// <param name="client">Who is to use it.</param>
    /// <param name="at">Where the state folder is.</param>
    /// <param name="configuration">The configuration in force; may have errors.</param>
    /// <param name="problem">Why there is none; default when there is.</param>
    public static Endpoint? Find(ConnectRequest request, ClientProgram client, Surroundings at, ConfigurationResult configuration, out (int ExitCode, string Reason) problem)
    {
        problem = default;
        if (request.Server is { } server && ProblemOfServer(server, configuration) is { } unknown)
        {
            problem = (ExitCodes.NotFound, unknown);
            return null;
        }

        if (request.Url is { } named)
        {
            if (!Uri.TryCreate(named, UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https") || url.UserInfo.Length != 0)
            {
                problem = (ExitCodes.Usage, "--url wants an http address without a password, like --url http://127.0.0.1:8080");
                return null;
            }

            var origin = url.GetLeftPart(UriPartial.Authority);
            if (url.AbsolutePath == "/")
            {
                return Of(origin, request.Server, null);
            }

            problem = (ExitCodes.Usage, client.SpeaksHttp
                ? $"--url names an endpoint already ({url.AbsolutePath}). Leave --server away, or give the address without a path."
                : $"fairlead stdio wants the gateway's address without a path, like --url {origin}; --server names one server.");
            return request.Server is null && client.SpeaksHttp ? new Endpoint(origin, url.GetLeftPart(UriPartial.Path), null) : null;
        }

        var options = configuration.Options;
        var instance = InstanceFile.Find(at.StateFolder, out _);
        if (options.PublicUrl is { } publicUrl)
        {
            return Of(publicUrl.OriginalString.TrimEnd('/'), request.Server, null);
        }

        if (instance is not null)
        {
            var isLasting = options.Port != 0 && new Uri(instance.Url).Port == options.Port;
            return Of(instance.Url, request.Server, isLasting ? null
                : $"the running instance listens on port {new Uri(instance.Url).Port}, the configuration says {(options.Port == 0 ? "any free one" : options.Port)}. The address holds as long as this instance runs; write \"port\" into the configuration for a lasting one.");
        }

        if (options.Port == 0 && client.SpeaksHttp)
        {
            problem = (ExitCodes.Configuration, "the configuration takes any free port and no instance is running, so there is no address to write. Write \"port\": 8080 into it, or name the address with --url.");
            return null;
        }

        return Of($"http://{(options.Host.Contains(':', StringComparison.Ordinal) ? $"[{options.Host}]" : options.Host)}:{options.Port}", request.Server, "no instance is running; start one with fairlead up.");
    }

    private static Endpoint Of(string origin, string? server, string? remark) => new(origin, origin + "/mcp" + (server is null ? "" : "/" + ServerName.ToSlug(server)), remark);

    private static string? ProblemOfServer(string server, ConfigurationResult configuration)
    {
        string[] names = [.. configuration.Options.Servers.Select(static known => known.Name)];
        var slug = ServerName.ToSlug(server);
        if (configuration.File is null ? slug.Length != 0 : names.Contains(slug))
        {
            return null;
        }

        var nearest = OptionWords.Nearest(slug, names);
        return $"there is no server {server} in {configuration.File}. {(nearest is null ? $"There are {string.Join(", ", names)}." : $"Did you mean {nearest}?")}";
    }
}
