using System.Text.Json;
using Fairlead.AspNetCore.Auth;
using Fairlead.Configuration;
using Microsoft.AspNetCore.Http;

namespace Fairlead.AspNetCore.Admin;

/// <summary>Shows the configuration in force, and looks at one that is not. Both need the admin token.</summary>
/// <param name="manager">The fleet.</param>
/// <param name="reload">Holds the configuration; null when Fairlead was not started from one.</param>
internal sealed class ConfigurationRoutes(McpManager manager, ConfigurationReload? reload)
{
    private const string ValidateShape = "Send {\"text\":\"...\"} with the whole configuration as text, as it would stand in its file.";

    /// <summary>Maps the routes.</summary>
    public void Map(RestRoutes rest)
    {
        rest.Get("/api/v1/configuration", RouteAccess.Admin, ShowAsync);
        rest.Post("/api/v1/configuration/validate", RouteAccess.Admin, ValidateAsync, onlyAsks: true);
    }

    private async Task ShowAsync(HttpContext context)
    {
        var loaded = Reload().Loaded;
        using var configuration = JsonDocument.Parse(ConfigurationView.Show(loaded.Options, manager.Redactor));
        await RestApi.WriteAsync(context, StatusCodes.Status200OK, new { file = loaded.File, format = loaded.Format, configuration = configuration.RootElement }).ConfigureAwait(false);
    }

    /// <summary>Reads a text as a load would, with the variables of the configuration in force. Nothing is changed.</summary>
    private async Task ValidateAsync(HttpContext context)
    {
        var known = Reload().Loaded.Options;
        var body = await JsonBody.ObjectAsync(context, manager.Options.Limits.RequestBodyBytesMax, ValidateShape, "text").ConfigureAwait(false);
        if (!body.TryGetProperty("text", out var text) || text.ValueKind != JsonValueKind.String)
        {
            throw new BadRequest($"text is no string. {ValidateShape}");
        }

        var result = ConfigurationLoader.LoadText(text.GetString()!, known.Variables ?? new Dictionary<string, string>(), new LoadSettings { WorkspaceFolder = known.WorkspaceFolder });
        await RestApi.WriteAsync(context, StatusCodes.Status200OK, new
        {
            valid = result.IsValid,
            servers = result.Options.Servers.Count,
            errors = result.Errors.Select(Redacted),
            warnings = result.Warnings.Select(Redacted),
            missingVariables = result.MissingVariables,
        }).ConfigureAwait(false);
    }

    // A text may repeat a secret of the configuration in force, which the load of that text alone does not know as one.
    private ConfigurationError Redacted(ConfigurationError error) => error with
    {
        Value = error.Value is { } value ? manager.Redactor.Redact(value) : null,
        Rule = manager.Redactor.Redact(error.Rule),
    };

    private ConfigurationReload Reload() => reload ?? throw new BadRequest(
        "This Fairlead was not started from a configuration; the program that it runs in decides about its servers.", StatusCodes.Status404NotFound, "NotFound");
}
