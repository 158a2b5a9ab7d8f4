using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Fairlead.AspNetCore;
using Fairlead.Cli;
using Fairlead.Cli.Running;
using Fairlead.Configuration;
using Fairlead.Routing;
using Fairlead.TestKit;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Logging;

namespace Fairlead.EndToEnd.Tests.Cli;

/// <summary>Commands to an instance of another name over https, with a certificate that only its user knows: a real Kestrel with TLS, the real program.</summary>
public sealed class HttpsInstanceTests
{
    private const string Token = "0123456789abcdef";

    [Fact]
    public async Task Commands_WhenTheCertificateIsOfTheUsersOwn_SteerTheInstanceOnceItIsTrusted()
    {
        // A name that is no word for loopback, so that what counts for other machines counts.
        var (host, port) = (Dns.GetHostName().ToLowerInvariant(), LoopbackListener.FreePort());
        var url = $"https://{host}:{port}";
        Assert.False(new Uri(url).IsLoopback);
        using var folder = new TempFolder();
        using var certificate = Certificate(host);
        var trusted = folder.Write("ca.pem", certificate.ExportCertificatePem());
        var options = new FairleadOptions { PublicUrl = new Uri(url) };
        options.Servers.Add(new ServerConfig { Name = "echo", Command = "dotnet", Arguments = { RepositoryPaths.BuiltAssembly("Echo", "echo-server.dll") }, Disabled = true });
        await using var manager = new McpManager(options);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.ListenAnyIP(port, listen => listen.UseHttps(certificate)));
        builder.Services.AddFairlead(manager, Token);
        await using var app = builder.Build();
        var tokens = new ConcurrentQueue<string>(); // One for each request that came.
        app.Use((context, next) =>
        {
            tokens.Enqueue(context.Request.Headers.Authorization.ToString());
            return next(context);
        });
        app.MapFairlead();
        await manager.InitializeAsync();
        await app.StartAsync();
        Task<CliRun> Run(string? bundle, string at, params string[] arguments) => CliRun.OfAsync(
            new Dictionary<string, string> { [InstanceOptions.TokenVariable] = Token, ["SSL_CERT_FILE"] = bundle ?? "" }, [.. arguments, "--state", folder.At("none"), "--url", at]);

        var refused = (await Run(null, url, "enable", "echo")).Ended(ExitCodes.NotRunning);
        Assert.Contains($"the certificate of {url} is not trusted", refused.Output, StringComparison.Ordinal);
        Assert.Contains("SSL_CERT_FILE", refused.Output, StringComparison.Ordinal);
        Assert.DoesNotContain(Token, refused.Output, StringComparison.Ordinal);

        // It is for its name alone.
        var elsewhere = (await Run(trusted, $"https://127.0.0.1:{port}", "enable", "echo")).Ended(ExitCodes.NotRunning);
        Assert.Contains($"the certificate of https://127.0.0.1:{port} is for another name", elsewhere.Output, StringComparison.Ordinal);
        Assert.Empty(tokens);

        await using var plain = new LoopbackListener(LoopbackListener.FreePort(), static _ => Task.CompletedTask);
        Assert.Contains("Is it an http address?", (await Run(null, plain.Url.Replace("http:", "https:", StringComparison.Ordinal), "ps")).Ended(ExitCodes.NotRunning).Output, StringComparison.Ordinal);

        Assert.Contains("echo is Initializing", (await Run(trusted, url, "enable", "echo")).Ended(ExitCodes.Ok).Output, StringComparison.Ordinal);
        Assert.NotEqual(ServerState.Disabled, manager.Fleet.Current.InOrder[0].Current.State);
        Assert.Contains("echo", (await Run(trusted, url, "ps")).Ended(ExitCodes.Ok).Output, StringComparison.Ordinal);
        Assert.Equal([$"Bearer {Token}", ""], tokens);
    }

    private static X509Certificate2 Certificate(string host)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={host}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(host);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: false, 0, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1")], critical: false));
        var now = TimeProvider.System.GetUtcNow();
        return request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
    }
}
