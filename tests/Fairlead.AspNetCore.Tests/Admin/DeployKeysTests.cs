using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Fairlead.AspNetCore.Admin;
using Fairlead.State;
using Fairlead.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace Fairlead.AspNetCore.Tests.Admin;

/// <summary>Deployments under an Idempotency-Key.</summary>
public sealed class DeployKeysTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("fairlead-keys-");
    private readonly FakeTimeProvider _time = new();

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task Deploy_WhenSentAgain_IsAnsweredAsAtFirstAlsoAfterARestartAndWhenItIsGone()
    {
        await using var host = await LiveHost.StartAsync();
        var (first, location) = await DeployAsync(host, LiveHost.Extra, "k");
        await host.ReachedAsync("extra", ServerState.Healthy);
        Assert.Equal((first, location), await DeployAsync(host, LiveHost.Extra, "\"k\""));
        Assert.Equal("/api/v1/servers/extra", location);
        await host.StopAsync();

        await using var again = await LiveHost.StartAsync(host);
        Assert.Equal((first, location), await DeployAsync(again, LiveHost.Extra, "k"));
        await again.SendAsync(HttpMethod.Delete, "/extra");
        Assert.Equal((first, location), await DeployAsync(again, LiveHost.Extra, "k"));
        Assert.Single(await again.Manager.ListServersAsync());
        await DeployAsync(again, LiveHost.Extra, "another");
        Assert.Equal(2, (await again.Manager.ListServersAsync()).Count);
    }

    [Fact]
    public async Task Deploy_WhenItWasRefused_MayBeTriedAgainUnderItsKey()
    {
        await using var host = await LiveHost.StartAsync();
        Assert.Equal(HttpStatusCode.BadRequest, (await SendAsync(host, """{"name":"extra"}""", "k")).StatusCode);
        await DeployAsync(host, LiveHost.Extra, "k");
        Assert.Equal(HttpStatusCode.Conflict, (await SendAsync(host, LiveHost.Extra, "other")).StatusCode); // AlreadyExists.
        Assert.Equal(HttpStatusCode.UnprocessableEntity, (await SendAsync(host, """{"name":"extra"}""", "k")).StatusCode);
    }

    [Fact]
    public void Keys_AfterADayOrWhenThereAreTooMany_AreForgotten()
    {
        var keys = Open();
        Make(keys, "old");
        _time.Advance(DeployKeys.Lifetime / 2);
        Make(keys, "young");
        Assert.NotNull(keys.Begin("old", "body"));
        _time.Advance(DeployKeys.Lifetime / 2);
        Assert.Null(keys.Begin("old", "body"));
        keys.End("old", "body", null);
        Assert.NotNull(Open().Begin("young", "body"));

        for (var i = 0; i < DeployKeys.KeptMax; i++)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            Make(keys, i.ToString(CultureInfo.InvariantCulture));
        }

        Assert.Null(keys.Begin("young", "body"));
        Assert.NotNull(keys.Begin("0", "body"));
        Assert.NotNull(Open().Begin("0", "body"));
        Assert.Null(Open().Begin("young", "body"));
    }

    [Fact]
    public void Keys_WhenTheirFileIsBroken_AreForgottenAndDeploymentsGoOn()
    {
        Make(Open(), "k");
        File.WriteAllText(Path.Combine(_folder.FullName, "keys", "deployments.json"), """{"formatVersion":1,"deployments":{"k":null}}""");
        Make(Open(), "k");
        Assert.NotNull(Open().Begin("k", "body"));
    }

    private DeployKeys Open() => new(new StateFiles(_folder.FullName, _time, NullLogger.Instance), _time);

    private static void Make(DeployKeys keys, string key)
    {
        Assert.Null(keys.Begin(key, "body"));
        keys.End(key, "body", new DeployAnswer("/somewhere", "{}"));
    }

    private static async Task<(string Body, string? Location)> DeployAsync(LiveHost host, string entry, string key)
    {
        var response = await SendAsync(host, entry, key);
        var body = await response.Content.ReadAsStringAsync();
        Assert.True(response.StatusCode == HttpStatusCode.Created, body);
        return (body, response.Headers.Location?.ToString());
    }

    private static async Task<HttpResponseMessage> SendAsync(LiveHost host, string entry, string key)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/servers") { Content = new StringContent(entry, Encoding.UTF8, "application/json") };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", FrontHost.AdminToken);
        request.Headers.TryAddWithoutValidation("Idempotency-Key", key);
        return await Guard.WithinAsync(host.Front.Http.SendAsync(request), "the answer to a deployment");
    }
}
