using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using System.Text.RegularExpressions;
using Fairlead.AspNetCore.Tests.Admin;
using Fairlead.TestKit;

namespace Fairlead.AspNetCore.Tests.Dashboard;

/// <summary>What a browser is sent, and how it comes by administration. What it does with it is tested in one (DashboardTests of the end-to-end tests).</summary>
public sealed partial class DashboardRoutesTests : IAsyncLifetime
{
    private readonly FakeTimeProvider _clock = new();
    private FrontHost _host = null!;

    public async Task InitializeAsync() => _host = await RestHost.StartAsync(time: _clock);

    public Task DisposeAsync() => _host.DisposeAsync().AsTask();

    [Fact]
    public async Task Page_WhenItIsAskedFor_LetsNothingInButItsOwnFiles()
    {
        using var page = await GetAsync("/dashboard/");
        var policy = page.Headers.GetValues("Content-Security-Policy").Single();

        Assert.Equal((HttpStatusCode.OK, "text/html"), (page.StatusCode, page.Content.Headers.ContentType!.MediaType));
        Assert.Contains("default-src 'self'", policy, StringComparison.Ordinal);
        Assert.Contains("frame-ancestors 'none'", policy, StringComparison.Ordinal);
        Assert.DoesNotContain("unsafe", policy, StringComparison.Ordinal);
        Assert.DoesNotContain("http", policy, StringComparison.Ordinal);
        Assert.Equal(["nosniff"], page.Headers.GetValues("X-Content-Type-Options"));
        Assert.Equal("no-cache", page.Headers.CacheControl!.ToString());
        var text = await page.Content.ReadAsStringAsync();
        Assert.DoesNotContain("{{", text, StringComparison.Ordinal);
        Assert.Empty(Outside().Matches(text));
    }

    [Fact]
    public async Task Assets_WhenThePageNamesThem_AreKeptForEver()
    {
        var assets = Asset().Matches(await TextAsync("/dashboard/")).Select(static match => match.Groups["path"].Value).ToList();

        Assert.Contains(assets, static path => path.EndsWith("/app.js", StringComparison.Ordinal));
        foreach (var path in assets)
        {
            using var asset = await GetAsync("/dashboard/" + path);
            Assert.Equal((path, HttpStatusCode.OK), (path, asset.StatusCode));
            Assert.Equal((true, "immutable"), (asset.Headers.CacheControl!.Public, asset.Headers.CacheControl.Extensions.Single().Name));
            Assert.Equal(["nosniff"], asset.Headers.GetValues("X-Content-Type-Options"));
            Assert.Contains(asset.Content.Headers.ContentType!.MediaType, (string[])["text/css", "text/javascript", "image/svg+xml"]);
        }
    }

    [Fact]
    public async Task Modules_WhenTheyNameOthers_NameFilesThatAreThere()
    {
        var root = Asset().Match(await TextAsync("/dashboard/")).Groups["path"].Value;
        var folder = root[..(root.LastIndexOf('/') + 1)];
        var (known, left) = (new HashSet<string>(StringComparer.Ordinal), new Queue<string>(["app.js"]));
        while (left.TryDequeue(out var name))
        {
            if (known.Add(name))
            {
                foreach (Match import in Import().Matches(await TextAsync("/dashboard/" + folder + name)))
                {
                    left.Enqueue(import.Groups["name"].Value);
                }
            }
        }

        Assert.True(known.Count > 10, string.Join(' ', known));
    }

    [Fact]
    public async Task Assets_WhenTheyAreOfAnotherVersion_AreNotThere()
    {
        using var other = await GetAsync("/dashboard/assets/0123456789abcdef/app.js");
        using var outside = await GetAsync("/dashboard/index.html");

        Assert.Equal((HttpStatusCode.NotFound, HttpStatusCode.NotFound), (other.StatusCode, outside.StatusCode));
        Assert.Equal("application/problem+json", other.Content.Headers.ContentType!.MediaType);
    }

    [Theory]
    [InlineData("br, gzip;q=0.5", "br")]
    [InlineData("gzip, deflate", "gzip")]
    [InlineData("br;q=0, gzip", "gzip")]
    [InlineData("identity", null)]
    public async Task Page_WhenAnEncodingIsTaken_ComesInIt(string taken, string? encoding)
    {
        using var page = await GetAsync("/dashboard/", ("Accept-Encoding", taken));

        Assert.Equal(encoding, page.Content.Headers.ContentEncoding.SingleOrDefault());
        await using var body = await page.Content.ReadAsStreamAsync();
        await using Stream plain = encoding switch
        {
            "br" => new BrotliStream(body, CompressionMode.Decompress),
            "gzip" => new GZipStream(body, CompressionMode.Decompress),
            _ => body,
        };
        Assert.Equal(await TextAsync("/dashboard/"), await new StreamReader(plain).ReadToEndAsync());
    }

    [Fact]
    public async Task Page_WhenTheBrowserHasIt_IsNotSentAgain()
    {
        using var first = await GetAsync("/dashboard/");
        using var again = await GetAsync("/dashboard/", ("If-None-Match", first.Headers.ETag!.ToString()));
        using var compressed = await GetAsync("/dashboard/", ("If-None-Match", first.Headers.ETag!.ToString()), ("Accept-Encoding", "br"));

        Assert.Equal((HttpStatusCode.NotModified, 0), (again.StatusCode, (await again.Content.ReadAsByteArrayAsync()).Length));
        Assert.Equal(HttpStatusCode.OK, compressed.StatusCode);
    }

    [Theory]
    [InlineData("/", "text/html,application/xhtml+xml,*/*;q=0.8", "/dashboard/")]
    [InlineData("/dashboard", "*/*", "/dashboard/")]
    [InlineData("/", "*/*", null)]
    [InlineData("/", "application/json", null)]
    public async Task Root_WhenABrowserComes_LeadsToThePage(string path, string accept, string? location)
    {
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false }) { BaseAddress = _host.Url };
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.TryAddWithoutValidation("Accept", accept);
        using var answer = await Guard.WithinAsync(http.SendAsync(request), $"the answer to {path}");

        Assert.Equal(location is null ? HttpStatusCode.NotFound : HttpStatusCode.Redirect, answer.StatusCode);
        Assert.Equal(location, answer.Headers.Location?.ToString());
    }

    [Fact]
    public async Task Code_WhenItIsExchanged_LetsInUntilItIsEnded()
    {
        var code = (await RestHost.SendAsync(_host, HttpMethod.Post, "/api/v1/dashboard/codes", "{}", FrontHost.AdminToken)).Body;
        Assert.Equal($"/dashboard/#code={code.GetProperty("code")}", code.GetProperty("path").GetString());
        Assert.Equal(_clock.GetUtcNow() + TimeSpan.FromMinutes(10), code.GetProperty("expiresAt").GetDateTimeOffset());

        var exchanged = await ExchangeAsync(code.GetProperty("code").GetString()!);
        var token = exchanged.Body.GetProperty("token").GetString()!;

        Assert.Equal((HttpStatusCode.Created, "no-store"), (exchanged.Status, exchanged.Response.Headers.CacheControl!.ToString()));
        Assert.Equal(HttpStatusCode.OK, await LogsAsync(token));
        RestHost.AssertProblem(await ExchangeAsync(code.GetProperty("code").GetString()!), HttpStatusCode.Unauthorized, "Unauthenticated");
        Assert.Equal(HttpStatusCode.NoContent, (await RestHost.SendAsync(_host, HttpMethod.Delete, "/api/v1/dashboard/sessions/current", token: token)).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, await LogsAsync(token));
        RestHost.AssertProblem(await RestHost.SendAsync(_host, HttpMethod.Delete, "/api/v1/dashboard/sessions/current", token: FrontHost.AdminToken), HttpStatusCode.Conflict, "NotASession");
    }

    [Fact]
    public async Task Code_WhenItIsTooOldOrNone_IsRefused()
    {
        var code = (await RestHost.SendAsync(_host, HttpMethod.Post, "/api/v1/dashboard/codes", "{}", FrontHost.AdminToken)).Body.GetProperty("code").GetString()!;
        _clock.Advance(TimeSpan.FromMinutes(10));

        RestHost.AssertProblem(await ExchangeAsync(code), HttpStatusCode.Unauthorized, "Unauthenticated");
        RestHost.AssertProblem(await ExchangeAsync("guess"), HttpStatusCode.Unauthorized, "Unauthenticated");
        RestHost.AssertProblem(await RestHost.SendAsync(_host, HttpMethod.Post, "/api/v1/dashboard/sessions", """{"code":7}"""), HttpStatusCode.BadRequest, "InvalidRequest");
        RestHost.AssertProblem(await RestHost.SendAsync(_host, HttpMethod.Post, "/api/v1/dashboard/sessions", """{"kode":"7"}"""), HttpStatusCode.BadRequest, "InvalidRequest");
    }

    private Task<(HttpStatusCode Status, System.Text.Json.JsonElement Body, HttpResponseMessage Response)> ExchangeAsync(string code) =>
        RestHost.SendAsync(_host, HttpMethod.Post, "/api/v1/dashboard/sessions", $$"""{"code":"{{code}}"}""");

    private async Task<HttpStatusCode> LogsAsync(string token) => (await RestHost.SendAsync(_host, HttpMethod.Get, "/api/v1/servers/calc/logs", token: token)).Status;

    private async Task<string> TextAsync(string path)
    {
        using var answer = await GetAsync(path);
        Assert.Equal((path, HttpStatusCode.OK), (path, answer.StatusCode));
        return await answer.Content.ReadAsStringAsync();
    }

    private async Task<HttpResponseMessage> GetAsync(string path, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        foreach (var (name, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        return await Guard.WithinAsync(_host.Http.SendAsync(request), $"the answer to {path}");
    }

    [GeneratedRegex("(?:href|src)=\"(?<path>assets/[^\"]+)\"")]
    private static partial Regex Asset();

    [GeneratedRegex("(?:href|src)=\"(?:https?:)?//")]
    private static partial Regex Outside();

    [GeneratedRegex(@"^import .* from '\./(?<name>[\w-]+\.js)';$", RegexOptions.Multiline)]
    private static partial Regex Import();
}
