using Fairlead.AspNetCore.Admin;
using Fairlead.Configuration;
using Fairlead.Security;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Fairlead.AspNetCore;

/// <summary>Makes a fleet part of an application: it starts and stops with the host, and <see cref="McpManager"/> can be injected.</summary>
/// <remarks>
/// The application listens where it wants to: <c>host</c>, <c>port</c> and the <c>port</c> of single servers are not looked at. Servers start once it listens. When it stops, new
/// calls are refused, those in flight may take <c>limits.drainGrace</c> (but not longer than <see cref="HostOptions.ShutdownTimeout"/>), and no process is left.
/// Streams that clients hold open are cut by Kestrel when <see cref="HostOptions.ShutdownTimeout"/> is over (30 s unless it is set).
/// </remarks>
public static class FairleadServices
{
    /// <summary>Adds a fleet that is described in code. <see cref="FairleadEndpoints.MapFairlead"/> serves it.</summary>
    /// <param name="services">The application's services.</param>
    /// <param name="configure">Fills the options; null = all defaults and no servers.</param>
    /// <param name="adminToken">The secret that administration over HTTP needs as Bearer token; null switches it off.</param>
    /// <returns>What more can be said about the fleet.</returns>
    /// <exception cref="InvalidOperationException">The application has a fleet already.</exception>
    public static FairleadBuilder AddFairlead(this IServiceCollection services, Action<FairleadOptions>? configure = null, string? adminToken = null)
    {
        var options = new FairleadOptions();
        configure?.Invoke(options);
        return Add(services, options, null, adminToken);
    }

    /// <summary>Adds the fleet of a configuration file, in any format that <c>fairlead up</c> takes, with its <c>.env</c> files and variables. Over the API it can be loaded again.</summary>
    /// <param name="services">The application's services.</param>
    /// <param name="configurationFile">The file; a relative path starts at the current directory.</param>
    /// <param name="configure">Changes what was loaded; also run when the file is loaded again. Null = nothing.</param>
    /// <param name="adminToken">As in the other overload.</param>
    /// <returns>What more can be said about the fleet.</returns>
    /// <exception cref="InvalidConfiguration">The file is missing or wrong; every error is named, with its line.</exception>
    /// <exception cref="InvalidOperationException">The application has a fleet already.</exception>
    public static FairleadBuilder AddFairlead(this IServiceCollection services, string configurationFile, Action<FairleadOptions>? configure = null, string? adminToken = null)
    {
        ArgumentNullException.ThrowIfNull(configurationFile);
        var path = configurationFile.Length == 0 ? configurationFile : Path.GetFullPath(configurationFile);
        FairleadBuilder? builder = null;
        var loaded = Load();
        if (!loaded.IsValid)
        {
            throw new InvalidConfiguration($"The configuration of Fairlead has {(loaded.Errors.Count == 1 ? "an error" : $"{loaded.Errors.Count} errors")}:\n{string.Join('\n', loaded.Errors)}");
        }

        builder = Add(services, loaded.Options, loaded.Redactor, adminToken);
        services.AddSingleton(provider => new ConfigurationReload(
            provider.GetRequiredService<McpManager>(), loaded, Load, provider.GetService<TimeProvider>() ?? TimeProvider.System,
            provider.GetRequiredService<ILoggerFactory>().CreateLogger("Fairlead.Configuration")));
        return builder;

        ConfigurationResult Load()
        {
            var result = ConfigurationLoader.Load(path, ConfigurationLoader.ProcessVariables());
            configure?.Invoke(result.Options);

            // Null at the first load, when no tool can have been added yet.
            builder?.Complete(result.Options);
            return result;
        }
    }

    /// <summary>Ties the fleet that is registered to the host.</summary>
    internal static IServiceCollection AddFleetLifetime(this IServiceCollection services)
    {
        services.AddSingleton<FleetLifetime>();
        return services.AddHostedService(static provider => provider.GetRequiredService<FleetLifetime>());
    }

    private static FairleadBuilder Add(IServiceCollection services, FairleadOptions options, SecretRedactor? redactor, string? adminToken)
    {
        if (services.Any(static service => service.ServiceType == typeof(McpManager)))
        {
            throw new InvalidOperationException("AddFairlead was called before: an application has one fleet. Put all servers into it, or make further McpManagers by hand.");
        }

        var builder = new FairleadBuilder(services);
        services.AddSingleton(provider =>
        {
            builder.Complete(options);
            var manager = new McpManager(options, provider.GetService<ILoggerFactory>(), provider.GetService<TimeProvider>(), redactor);
            builder.Prepare(provider, manager);
            return manager;
        });
        services.AddFronts(adminToken).AddFleetLifetime();
        return builder;
    }
}
