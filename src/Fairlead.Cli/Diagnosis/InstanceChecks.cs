using System.Net.Http.Json;
using System.Text.Json;
using Fairlead.Cli.Commands;
using Fairlead.Cli.Running;

namespace Fairlead.Cli.Diagnosis;

/// <summary>The running instance: whether it answers, whether it is this version, how its servers are.</summary>
internal static class InstanceChecks
{
    private static readonly TimeSpan s_answerWait = TimeSpan.FromSeconds(10);

    /// <summary>Runs the checks <c>instance</c>, <c>server</c> and <c>reload</c>.</summary>
    /// <param name="instance">The running instance; null = none.</param>
    /// <param name="version">The version of this program.</param>
    /// <param name="token">The instance's admin token; null = the last load of its configuration is not asked for.</param>
    public static async Task<IReadOnlyList<Finding>> RunAsync(InstanceFile? instance, string version, string? token)
    {
        if (instance is null)
        {
            return [new Finding("instance", Verdict.Ok, "None is running with this state folder.")];
        }

        List<Finding> findings = [];
        if (instance.Version != version)
        {
            findings.Add(new Finding("instance", Verdict.Warn, $"Process {instance.Pid} is Fairlead {instance.Version}, this is {version}.", "Restart it: fairlead down, then fairlead up."));
        }

        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false }) { Timeout = s_answerWait };
        try
        {
            var document = await http.GetFromJsonAsync<JsonElement>(new Uri(instance.Url + "/api/v1/servers")).ConfigureAwait(false);
            var servers = document.GetProperty("servers").EnumerateArray().ToArray();
            findings.Add(new Finding("instance", Verdict.Ok, $"Process {instance.Pid} answers at {instance.Url} with {servers.Length} {(servers.Length == 1 ? "server" : "servers")}."));
            findings.AddRange(servers.Select(Of).OfType<Finding>());
            if (token is not null && await ReloadAsync(http, instance, token).ConfigureAwait(false) is { } reload)
            {
                findings.Add(reload);
            }
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException or TaskCanceledException or JsonException or KeyNotFoundException or InvalidOperationException)
        {
            findings.Add(new Finding("instance", Verdict.Fail, $"Process {instance.Pid} does not answer at {instance.Url}: {exception.Message}", "fairlead down ends it; if it does not end, end the process."));
        }

        return findings;
    }

    /// <summary>How the instance's last load of its configuration went; null when it cannot tell.</summary>
    private static async Task<Finding?> ReloadAsync(HttpClient http, InstanceFile instance, string token)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(instance.Url + "/api/v1/configuration/status"));
        request.Headers.Authorization = new System.Net.Http.Headers.AuthenticationHeaderValue("Bearer", token);
        using var response = await http.SendAsync(request).ConfigureAwait(false);
        if (!response.IsSuccessStatusCode)
        {
            return null;
        }

        var status = await response.Content.ReadFromJsonAsync<JsonElement>().ConfigureAwait(false);
        var errors = status.GetProperty("errors").EnumerateArray().Select(static error => $"{PsCommand.Text(error, "key")}: {PsCommand.Text(error, "rule")}").ToArray();
        if (errors.Length != 0)
        {
            return new Finding("reload", Verdict.Fail, $"The configuration was changed and could not be taken over; what was in force still is. {errors[0]}{(errors.Length == 1 ? "" : $" And {errors.Length - 1} more.")}", "Mend the file; it is taken over by itself. fairlead config validate lists everything.");
        }

        return status.TryGetProperty("differences", out var differences) && differences.GetProperty("failed").GetArrayLength() is > 0 and var failed
            ? new Finding("reload", Verdict.Warn, $"{failed} of the servers could not be brought in line with the configuration: {PsCommand.Text(differences.GetProperty("failed")[0], "reason")}", "fairlead reload tries again.")
            : null;
    }

    private static Finding? Of(JsonElement server)
    {
        var name = PsCommand.Text(server, "id");
        var state = PsCommand.Text(server, "state");
        return state is "Healthy" or "Idle" or "Initializing" or "Disabled" or "Stopped" or "Maintenance"
            ? null
            : new Finding("server", state is "Degraded" or "MissingAuth" or "AuthRequired" ? Verdict.Warn : Verdict.Fail, $"{state}: {PsCommand.Text(server, "reason")}", $"fairlead logs {name}", name);
    }
}
