using System.Net;
using System.Text.RegularExpressions;
using Fairlead.AspNetCore.Auth;
using Fairlead.TestKit;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Fairlead.AspNetCore.Tests.Admin;

/// <summary>Every route of the running application is guarded: DNS rebinding (CVE-2025-49596, CVE-2025-64443) and the one route without access control
/// (Obot <c>/mcp-connect</c>) are ruled out for routes that do not exist yet, too.</summary>
public sealed partial class RouteInventoryTests : IAsyncLifetime
{
    private static readonly string[] s_allVerbs = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

    private FrontHost _host = null!;

    public async Task InitializeAsync() => _host = await RestHost.StartAsync();

    public Task DisposeAsync() => _host.DisposeAsync().AsTask();

    [Fact]
    public void Routes_WhenEnumerated_AllCarryAGuard()
    {
        var routes = Routes();
        Assert.All(routes, static route => Assert.NotNull(route.Metadata.GetMetadata<RouteGuard>()));
        string[] some = ["/mcp", "/health/live", "/health/ready", "/health/startup", "/api/v1/health", "/api/v1/servers/{id}/health"];
        Assert.Equal(some, some.Intersect(routes.Select(static route => route.RoutePattern.RawText)));
        Assert.Equal(
            [
                "/api/v1/audit", "/api/v1/configuration", "/api/v1/configuration/reload", "/api/v1/configuration/status", "/api/v1/configuration/validate",
                "/api/v1/dashboard/codes", "/api/v1/dashboard/sessions/current", "/api/v1/faults", "/api/v1/faults/{faultId}", "/api/v1/servers", "/api/v1/servers/{id}", "/api/v1/servers/{id}/disable",
                "/api/v1/servers/{id}/enable", "/api/v1/servers/{id}/faults", "/api/v1/servers/{id}/logs", "/api/v1/servers/{id}/maintenance", "/api/v1/servers/{id}/restart",
                "/api/v1/servers/{id}/rollouts", "/api/v1/servers/{id}/rollouts/abort", "/api/v1/servers/{id}/rollouts/promote", "/api/v1/servers/{id}/scale", "/api/v1/servers/{id}/start",
                "/api/v1/servers/{id}/stop", "/api/v1/servers/{id}/tools/{tool}/disable", "/api/v1/servers/{id}/tools/{tool}/enable", "/api/v1/shutdown",
            ],
            routes.Where(static route => route.Metadata.GetMetadata<RouteGuard>()!.Access == RouteAccess.Admin).Select(static route => route.RoutePattern.RawText!).Distinct().Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Routes_WhenHostOrOriginIsOfAnotherSite_AreRefusedWithEveryVerb()
    {
        foreach (var (verb, path) in Targets(static _ => true))
        {
            Assert.Equal((verb, path, HttpStatusCode.Forbidden), (verb, path, await StatusAsync(verb, path, "Host", "evil.example")));
            Assert.Equal((verb, path, HttpStatusCode.Forbidden), (verb, path, await StatusAsync(verb, path, "Host", $"localhost.evil.example:{_host.Url.Port}")));
            Assert.Equal((verb, path, HttpStatusCode.Forbidden), (verb, path, await StatusAsync(verb, path, "Origin", "http://evil.example")));
            Assert.Equal((verb, path, HttpStatusCode.Forbidden), (verb, path, await StatusAsync(verb, path, "Origin", "null")));
        }
    }

    [Fact]
    public async Task AdminRoutes_WhenTheTokenIsMissingOrWrong_AreRefused()
    {
        foreach (var (verb, path) in Targets(static guard => guard.Access == RouteAccess.Admin))
        {
            Assert.Equal((verb, path, HttpStatusCode.Unauthorized), (verb, path, await StatusAsync(verb, path)));
            Assert.Equal((verb, path, HttpStatusCode.Unauthorized), (verb, path, await StatusAsync(verb, path, "Authorization", "Bearer wrong")));
            Assert.Equal((verb, path, HttpStatusCode.Unauthorized), (verb, path, await StatusAsync(verb, path, "Authorization", "Basic " + FrontHost.AdminToken)));
        }
    }

    [Fact]
    public async Task AdminRoutes_WhenTheTokenIsRight_LetIn() =>
        Assert.Equal(HttpStatusCode.OK, await StatusAsync("GET", "/api/v1/servers/calc/logs", "Authorization", "Bearer " + FrontHost.AdminToken));

    private RouteEndpoint[] Routes() => [.. _host.Services.GetRequiredService<EndpointDataSource>().Endpoints.Cast<RouteEndpoint>()];

    private IEnumerable<(string Verb, string Path)> Targets(Func<RouteGuard, bool> wanted) =>
        from route in Routes()
        where wanted(route.Metadata.GetRequiredMetadata<RouteGuard>())
        from verb in route.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? s_allVerbs
        select (verb, Parameter().Replace("/" + route.RoutePattern.RawText!.TrimStart('/'), "calc"));

    private async Task<HttpStatusCode> StatusAsync(string verb, string path, string? header = null, string? value = null)
    {
        using var request = new HttpRequestMessage(new HttpMethod(verb), path);
        if (header is not null)
        {
            request.Headers.TryAddWithoutValidation(header, value);
        }

        using var response = await Guard.WithinAsync(_host.Http.SendAsync(request), $"the answer to {verb} {path}");
        return response.StatusCode;
    }

    [GeneratedRegex(@"\{[^}]*\}")]
    private static partial Regex Parameter();
}
